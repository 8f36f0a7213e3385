"""Run networks: the one place that touches Paddle Inference, and the door that bounds requests."""

from ood_face.runtime.admission import BoundedAdmission
from ood_face.runtime.session import PaddleSession, open_session

__all__ = ["BoundedAdmission", "PaddleSession", "open_session"]
