"""Networks on oneDNN itself, through the C library that Paddle's wheel brings."""

from ood_face.runtime.onednn.session import OneDnnSession

__all__ = ["OneDnnSession"]
