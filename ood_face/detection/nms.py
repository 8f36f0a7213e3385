"""Non-maximum suppression: of boxes that overlap too much, keep the most probable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["suppress", "suppress_contained"]


def suppress(
    boxes_xyxy: NDArray[np.float32],
    scores: NDArray[np.float32],
    max_overlap: float,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Keep, greedily by score, the boxes whose IoU with every kept one is at most ``max_overlap``.

    Parameters
    ----------
    boxes_xyxy : float32 array of shape (N, 4)
    scores : float32 array of shape (N,)
    max_overlap : highest intersection over union
    groups : int array of shape (N,); boxes of different groups never suppress each other

    Returns
    -------
    int64 array of the kept indices, best first
    """
    if len(boxes_xyxy) == 0:
        return np.empty(0, dtype=np.int64)
    corners = np.asarray(boxes_xyxy, dtype=np.float64)
    if groups is not None:
        # far apart: boxes of two groups never meet
        span = corners.max() - corners.min() + 1.0
        corners = corners + (groups * span)[:, None]
    xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    # OpenCV keeps only scores above its bound, which may not be negative
    above = scores - scores.min() + 1.0
    kept = cv2.dnn.NMSBoxes(xywh.tolist(), above.tolist(), 0.0, max_overlap)
    return np.asarray(kept, dtype=np.int64).reshape(-1)


def suppress_contained(
    boxes_xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_overlap: float
) -> NDArray[np.int64]:
    """Like :func:`suppress`, but the overlap is the share of the smaller of the two boxes.

    A face found a second time inside the first one's box goes, however small it is.
    Sides count whole pixels (+1), as in the authors' code.
    """
    order = np.argsort(-scores, kind="stable")
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2] + 1
    areas = sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes_xyxy[best, :2], boxes_xyxy[rest, :2])
        high = np.minimum(boxes_xyxy[best, 2:], boxes_xyxy[rest, 2:])
        shared = np.maximum(0.0, high - low + 1).prod(axis=1)
        order = rest[shared <= max_overlap * np.minimum(areas[best], areas[rest])]
    return np.asarray(kept, dtype=np.int64)
