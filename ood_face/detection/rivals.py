"""Which boxes may win, by a first look: the others need not be looked at closely.

Many boxes show the same face, and suppression leaves one of them. Where a first look errs by less
than is known, most of the others have lost for sure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LOGIT_ERROR", "OVERLAP_ERROR", "contenders"]

# what a first look may be off by: measured on the 1,192 candidates of 104 pictures, at most 0.10
# and 0.010, 230 of them were left; see tests/benchmark/README.md
LOGIT_ERROR = 0.125
OVERLAP_ERROR = 0.03


def contenders(
    boxes: NDArray[np.float32], logits: NDArray[np.float32], least: float, max_overlap: float
) -> NDArray[np.int64]:
    """Return the boxes that may be left by :func:`ood_face.detection.nms.suppress_contained`.

    Parameters
    ----------
    boxes : float32 array of shape (N, 4), by the first look
    logits : float32 array of shape (N,), by the first look
    least : logit that a box must exceed
    max_overlap : of two boxes, as a share of the smaller one

    Returns
    -------
    int64 array of indices, in order: suppression among these, by the close look, leaves what it
    would leave among all
    """
    possible = logits > least - LOGIT_ERROR
    ahead = logits[:, None] - logits
    overlaps = _overlaps(boxes)
    # of the first box over the second
    may_suppress = (ahead > -2 * LOGIT_ERROR) & (overlaps > max_overlap - OVERLAP_ERROR)
    may_suppress &= possible[:, None] & ~np.eye(len(logits), dtype=np.bool_)
    stays = (logits > least + LOGIT_ERROR) & ~may_suppress.any(axis=0)
    suppresses = (ahead > 2 * LOGIT_ERROR) & (overlaps > max_overlap + OVERLAP_ERROR)
    lost = (suppresses & stays[:, None]).any(axis=0)
    return np.flatnonzero(possible & ~lost)


def _overlaps(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    # (N, N): shares of the smaller of two boxes, whose sides count whole pixels
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    shared = np.maximum(high - low + 1, 0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1)
    overlaps: NDArray[np.float32] = shared / np.minimum(areas[:, None], areas)
    return overlaps
