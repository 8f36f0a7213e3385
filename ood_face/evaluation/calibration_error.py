"""How well a probability keeps its word: ECE, MCE, Brier score, reliability bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Reliability", "brier_score", "reliability"]


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Predicted against observed, in bins of equal width over 0..1; empty bins are left out.

    Attributes
    ----------
    predicted : (B,) mean probability of each bin
    observed : (B,) share of positives in it
    counts : (B,) items in it
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """ECE: mean distance between predicted and observed, weighted by the counts."""
        gaps = np.abs(self.predicted - self.observed)
        return float(np.sum(gaps * self.counts) / np.sum(self.counts))

    @property
    def maximum_error(self) -> float:
        """MCE: the largest such distance."""
        return float(np.max(np.abs(self.predicted - self.observed)))


def reliability(
    probability: NDArray[np.floating], outcome: NDArray[np.bool_], bins: int = 15
) -> Reliability:
    """Bin predictions over 0..1.

    Parameters
    ----------
    probability : array of shape (N,), 0..1
    outcome : bool array of shape (N,)

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks, section 2.
    """
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    which = np.digitize(probability, edges)
    counts = np.bincount(which, minlength=bins)
    filled = counts > 0
    predicted = np.bincount(which, weights=probability, minlength=bins)[filled] / counts[filled]
    observed = np.bincount(which, weights=outcome, minlength=bins)[filled] / counts[filled]
    return Reliability(predicted, observed, counts[filled])


def brier_score(probability: NDArray[np.floating], outcome: NDArray[np.bool_]) -> float:
    """Return the mean squared difference between probability and outcome."""
    return float(np.mean((np.asarray(probability, np.float64) - outcome) ** 2))
