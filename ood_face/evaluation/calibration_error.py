"""How well a probability keeps its word: ECE, MCE, Brier score, log loss, reliability bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BINS",
    "BinScheme",
    "Reliability",
    "bin_numbers",
    "brier_score",
    "log_loss",
    "reliability",
]

BINS = 15
BinScheme = Literal["width", "mass"]


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Predicted against observed, in bins over 0..1; empty bins are left out.

    Attributes
    ----------
    predicted : (B,) mean probability of each bin
    observed : (B,) share of positives in it
    counts : (B,) items in it
    weights : (B,) how much they count together; without weights, the counts
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """ECE: mean distance between predicted and observed, weighted."""
        gaps = np.abs(self.predicted - self.observed)
        return float(np.sum(gaps * self.weights) / np.sum(self.weights))

    @property
    def maximum_error(self) -> float:
        """MCE: the largest such distance."""
        return float(np.max(np.abs(self.predicted - self.observed)))


def reliability(
    probability: NDArray[np.floating],
    outcome: NDArray[np.bool_],
    bins: int = BINS,
    scheme: BinScheme = "width",
    weights: NDArray[np.floating] | None = None,
) -> Reliability:
    """Bin predictions over 0..1.

    Parameters
    ----------
    probability : array of shape (N,), 0..1
    outcome : bool array of shape (N,)
    bins : how many
    scheme : bins of equal ``width``, or of equal ``mass``: as many items in each
    weights : (N,), at least 0, how much each item counts; None: all alike

    References
    ----------
    Guo et al. 2017, On Calibration of Modern Neural Networks, section 2; equal mass: Nixon et
    al. 2019, Measuring Calibration in Deep Learning.
    """
    which = bin_numbers(probability, bins, scheme)
    each = np.ones(len(which)) if weights is None else np.asarray(weights, np.float64)
    counts = np.bincount(which, minlength=bins)
    mass = np.asarray(np.bincount(which, weights=each, minlength=bins), np.float64)
    filled = mass > 0
    predicted = np.bincount(which, weights=each * probability, minlength=bins)[filled]
    observed = np.bincount(which, weights=each * outcome, minlength=bins)[filled]
    held = mass[filled]
    return Reliability(predicted / held, observed / held, counts[filled], held)


def bin_numbers(
    probability: NDArray[np.floating], bins: int = BINS, scheme: BinScheme = "width"
) -> NDArray[np.int64]:
    """Return the bin of each probability, 0..bins-1; see :func:`reliability`.

    Equal probabilities share a bin, so that bins of equal mass can be fewer than asked for.
    """
    if scheme == "width":
        inner = np.linspace(0, 1, bins + 1)[1:-1]
        return np.asarray(np.digitize(probability, inner), np.int64)
    edges = np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, probability, side="left"), np.int64)


def brier_score(
    probability: NDArray[np.floating],
    outcome: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Return the mean squared difference between probability and outcome."""
    squares = (np.asarray(probability, np.float64) - outcome) ** 2
    return float(np.average(squares, weights=weights))


def log_loss(
    probability: NDArray[np.floating],
    outcome: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Return the mean negative logarithm of what the outcome was given; 36 at most an item.

    A probability of 0 for what happened counts as 2e-16, float64's smallest step at 1.
    """
    given = np.where(outcome, probability, 1 - np.asarray(probability, np.float64))
    losses = -np.log(np.maximum(given, np.finfo(np.float64).eps))
    return float(np.average(losses, weights=weights))
