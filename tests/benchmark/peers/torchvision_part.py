"""The two functions that facenet-pytorch takes from torchvision, where torchvision is not there.

torchvision's wheels fit the one build of torch they were made with, which is not to be had
everywhere. Both functions are as fast as the originals: the suppression is OpenCV's, in C++.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

import cv2
import numpy as np
import torch

__all__ = ["batched_nms", "provide_torchvision", "to_tensor"]


def batched_nms(
    boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, overlap: float
) -> torch.Tensor:
    """Return the indices of the boxes to keep, most probable first.

    Parameters
    ----------
    boxes : float tensor of shape (N, 4), (x1, y1, x2, y2)
    scores : float tensor of shape (N,)
    groups : int64 tensor of shape (N,); a box suppresses others of its group alone
    overlap : largest intersection over union of two that are kept
    """
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64)
    shifted = boxes + (groups.to(boxes) * (boxes.max() + 1))[:, None]
    rectangles = shifted.numpy().astype(np.float64)
    rectangles[:, 2:] -= rectangles[:, :2]
    kept = cv2.dnn.NMSBoxes(rectangles, scores.numpy(), 0.0, overlap)
    return torch.from_numpy(np.asarray(kept, dtype=np.int64))


def to_tensor(picture: np.ndarray) -> torch.Tensor:
    """Return a float picture of shape (H, W, 3) as a tensor of shape (3, H, W)."""
    return torch.from_numpy(picture.transpose(2, 0, 1)).contiguous()


def provide_torchvision() -> str:
    """Make facenet-pytorch find the two functions; returns whose they are."""
    if find_spec("torchvision") is not None:
        import torchvision  # noqa: PLC0415  (not always there)

        return f"torchvision {torchvision.__version__}"
    functional = ModuleType("torchvision.transforms.functional")
    functional.to_tensor = to_tensor
    boxes = ModuleType("torchvision.ops.boxes")
    boxes.batched_nms = batched_nms
    transforms, ops = ModuleType("torchvision.transforms"), ModuleType("torchvision.ops")
    transforms.functional, ops.boxes = functional, boxes
    package = ModuleType("torchvision")
    for module in (package, transforms, functional, ops, boxes):
        sys.modules[module.__name__] = module
    return f"suppression of OpenCV {cv2.__version__}"
