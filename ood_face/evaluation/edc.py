"""Error versus discard characteristic (ISO/IEC 29794-1:2024, 11.2 to 11.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.evaluation.verification import fmr_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DiscardCurve", "error_versus_discard"]


@dataclass(frozen=True, slots=True, eq=False)
class DiscardCurve:
    """FNMR of what is left, when the mated pairs of worst quality are discarded.

    Attributes
    ----------
    discard_rate : (K,) share of mated pairs discarded
    fnmr : (K,) false non-match rate among the rest, threshold fixed
    """

    discard_rate: NDArray[np.float64]
    fnmr: NDArray[np.float64]

    def area(self, limit: float = 0.2) -> float:
        """Return the mean FNMR from no discard up to ``limit``: lower is better."""
        grid = np.linspace(0, limit, 201)
        values = np.interp(grid, self.discard_rate, self.fnmr)
        return float(np.trapezoid(values, grid) / limit)


def error_versus_discard(
    similarity: NDArray[np.floating],
    same: NDArray[np.bool_],
    quality: NDArray[np.floating],
    fmr: float,
) -> DiscardCurve:
    """Compute the curve at the threshold of a false match rate over all pairs.

    Parameters
    ----------
    similarity : array of shape (N,)
    same : bool array of shape (N,)
    quality : array of shape (N,), of each pair: the worse of its two pictures
    fmr : where the threshold is fixed

    Raises
    ------
    ValueError
        There are too few impostor pairs for this rate (rule of 3).
    """
    threshold = fmr_threshold(np.asarray(similarity[~same], np.float64), fmr)
    missed = (similarity[same] <= threshold).astype(np.float64)
    order = np.argsort(quality[same], kind="stable")  # the worst first
    left = len(missed) - np.arange(len(missed))
    remaining = np.cumsum(missed[order][::-1])[::-1]
    return DiscardCurve(np.arange(len(missed)) / len(missed), remaining / left)
