"""How well a score separates: AUROC and the false positive rate at 95 % recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["auroc", "fpr_at_tpr"]


def auroc(good: NDArray[np.floating], bad: NDArray[np.floating]) -> float:
    """Return the probability that a good item scores above a bad one; ties count half.

    Parameters
    ----------
    good, bad : arrays of shape (N,) and (M,), scores, higher is better
    """
    ordered = np.sort(bad)
    below = np.searchsorted(ordered, good, side="left")
    not_above = np.searchsorted(ordered, good, side="right")
    return float(np.mean((below + not_above) / 2) / len(ordered))


def fpr_at_tpr(good: NDArray[np.floating], bad: NDArray[np.floating], tpr: float = 0.95) -> float:
    """Return the share of bad items accepted where ``tpr`` of the good ones are."""
    threshold = np.quantile(good, 1 - tpr, method="lower")
    return float(np.mean(bad >= threshold))
