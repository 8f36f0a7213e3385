"""Non-maximum suppression: of boxes that overlap too much, keep the most probable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.loops import loops

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
    if groups is None:
        groups = np.zeros(len(scores), dtype=np.int64)
    order = _best_first(scores)
    return loops().kept(boxes_xyxy, order, groups, max_overlap, of_smaller=False)


def suppress_contained(
    boxes_xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_overlap: float
) -> NDArray[np.int64]:
    """Like :func:`suppress`, but the overlap is the share of the smaller of the two boxes.

    A face found a second time inside the first one's box goes, however small it is.
    Sides count whole pixels (+1), as in the authors' code.
    """
    groups = np.zeros(len(scores), dtype=np.int64)
    order = _best_first(scores)
    return loops().kept(boxes_xyxy, order, groups, max_overlap, of_smaller=True)


def _best_first(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")
