"""Run networks: the one place that touches the engines, and the door that bounds requests."""

from ood_face.runtime.admission import BoundedAdmission
from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn import OneDnnSession
from ood_face.runtime.onnx_session import OnnxSession, open_onnx_session
from ood_face.runtime.opening import Engine, open_int8_session, open_session
from ood_face.runtime.precision import Precision, choose_precision
from ood_face.runtime.session import PaddleSession, open_paddle_session

__all__ = [
    "BoundedAdmission",
    "Convolution",
    "Engine",
    "OneDnnSession",
    "OnnxSession",
    "PaddleSession",
    "Precision",
    "choose_precision",
    "open_int8_session",
    "open_onnx_session",
    "open_paddle_session",
    "open_session",
]
