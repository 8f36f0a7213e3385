"""How far a window of numbers lies from a reference: PSI and the two-sample KS distance.

Both are taken over bins that hold equal shares of the reference, its deciles. Then what they are
where nothing drifts does not depend on what is measured, and a window is a few small counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["BINS", "bin_counts", "decile_edges", "ks_distance", "stability_index"]

BINS = 10
# what every bin counts besides its items, so that one that is empty gives no infinity
_PRIOR_COUNT = 0.5


def decile_edges(values: ArrayLike) -> NDArray[np.float64]:
    """Return what parts values into ten bins of equal shares; fewer where values are tied.

    Parameters
    ----------
    values : (N,), N at least 1

    Returns
    -------
    float64 array of shape (E,), rising, E at most 9; a value equal to an edge lies above it
    """
    return np.unique(np.quantile(np.asarray(values, np.float64), np.arange(1, BINS) / BINS))


def bin_counts(values: ArrayLike, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the values (N,) lie in each of the bins (E + 1,)."""
    which = np.searchsorted(edges, np.asarray(values, np.float64), side="right")
    return np.bincount(which, minlength=len(edges) + 1)


def stability_index(reference: ArrayLike, window: ArrayLike) -> NDArray[np.float64]:
    """Return the population stability index, ``sum((w - r) log(w / r))`` over the bins' shares.

    Half an item is added to every bin of both. 0: the shares are alike; it has no upper limit.

    Parameters
    ----------
    reference, window : counts, (..., B), of the same bins

    Returns
    -------
    float64 array of shape (...)
    """
    expected, found = (_shares(counts, _PRIOR_COUNT) for counts in (reference, window))
    return np.asarray(np.sum((found - expected) * np.log(found / expected), axis=-1))


def ks_distance(reference: ArrayLike, window: ArrayLike) -> NDArray[np.float64]:
    """Return the two-sample Kolmogorov-Smirnov statistic of binned values, 0..1.

    It is the largest distance between the two cumulative shares.

    Parameters
    ----------
    reference, window : counts, (..., B), of the same bins in rising order

    Returns
    -------
    float64 array of shape (...)
    """
    expected, found = (np.cumsum(_shares(counts, 0.0), axis=-1) for counts in (reference, window))
    return np.asarray(np.max(np.abs(found - expected), axis=-1))


def _shares(counts: ArrayLike, prior: float) -> NDArray[np.float64]:
    more = np.asarray(counts, np.float64) + prior
    return np.asarray(more / more.sum(axis=-1, keepdims=True))
