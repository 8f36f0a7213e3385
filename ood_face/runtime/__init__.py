"""Run networks: the one place that touches the engines, and the door that bounds requests."""

from ood_face.runtime.admission import BoundedAdmission
from ood_face.runtime.onnx_session import OnnxSession, open_onnx_session
from ood_face.runtime.precision import Precision
from ood_face.runtime.session import PaddleSession, open_session

__all__ = [
    "BoundedAdmission",
    "OnnxSession",
    "PaddleSession",
    "Precision",
    "open_onnx_session",
    "open_session",
]
