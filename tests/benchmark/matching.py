"""How far two detectors agree on one picture, or on many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Agreement", "agreement", "overlaps"]

SAME_FACE_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Faces of two detectors; sums, so that those of many pictures can be added.

    Attributes
    ----------
    ours, theirs : faces each found
    both : faces that both found
    distance_px : sum over ``both`` of the mean distance of the five landmarks
    worst_px : largest distance of two landmarks that should be one
    """

    ours: int = 0
    theirs: int = 0
    both: int = 0
    distance_px: float = 0.0
    worst_px: float = 0.0

    def __add__(self, other: Agreement) -> Agreement:
        """Return both taken together."""
        return Agreement(
            self.ours + other.ours,
            self.theirs + other.theirs,
            self.both + other.both,
            self.distance_px + other.distance_px,
            max(self.worst_px, other.worst_px),
        )

    @property
    def of_theirs_percent(self) -> float:
        """How many of their faces are also ours; 100 where they found none."""
        return 100 * self.both / self.theirs if self.theirs else 100.0

    @property
    def of_ours_percent(self) -> float:
        """How many of our faces are also theirs; 100 where we found none."""
        return 100 * self.both / self.ours if self.ours else 100.0

    @property
    def mean_px(self) -> float:
        """Mean distance of landmarks; 0 where no face is common."""
        return self.distance_px / self.both if self.both else 0.0


def overlaps(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of every box with every other, (N, M).

    Parameters
    ----------
    boxes, others : arrays of shape (N, 4) and (M, 4), (x1, y1, x2, y2)
    """
    a = np.asarray(boxes, dtype=np.float64).reshape(-1, 1, 4)
    b = np.asarray(others, dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.clip(sides, 0, None).prod(axis=2)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=2) for each in (a, b)]
    return common / (areas[0] + areas[1] - common)


def agreement(ours: Mapping[str, ArrayLike], theirs: Mapping[str, ArrayLike]) -> Agreement:
    """Pair the faces of one picture, those that overlap most first, each at most once.

    Parameters
    ----------
    ours, theirs : ``boxes`` of shape (N, 4) and ``landmarks`` of shape (N, 5, 2), in pixels
    """
    shared = overlaps(ours["boxes"], theirs["boxes"])
    counts = shared.shape
    points = [np.asarray(side["landmarks"]).reshape(-1, 5, 2) for side in (ours, theirs)]
    distances = []
    while shared.size and shared.max() > SAME_FACE_OVERLAP:
        row, column = np.unravel_index(shared.argmax(), shared.shape)
        distances.append(np.linalg.norm(points[0][row] - points[1][column], axis=1))
        shared[row, :] = shared[:, column] = 0
    return Agreement(
        counts[0],
        counts[1],
        len(distances),
        float(sum(each.mean() for each in distances)),
        float(max((each.max() for each in distances), default=0.0)),
    )
