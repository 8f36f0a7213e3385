"""95 % intervals by a bootstrap over subjects, all resamples at once.

A data set holds many pictures of few people, so single pairs are far from independent: whole
subjects are drawn with replacement. A subject drawn k times counts k-fold in its mated pairs; an
impostor pair counts the product of its two subjects' numbers.

References
----------
Poh, Martin and Bengio 2007, Performance Generalization in Biometric Authentication Using Joint
User-Specific and Sample Bootstraps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "RESAMPLES",
    "Resamples",
    "accuracies",
    "aurocs",
    "discard_areas",
    "interval",
    "thresholds_at_fmr",
    "true_accept_rates",
]

RESAMPLES = 1000
# bounds the memory of one step: so many numbers in an array of (resamples, items)
_NUMBERS_AT_ONCE = 4_000_000
_AREA_POINTS = 81


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """How often each subject was drawn.

    Attributes
    ----------
    subjects : (S,) their labels, rising
    counts : float32 array of shape (R, S)
    """

    subjects: NDArray[np.int64]
    counts: NDArray[np.float32]

    @classmethod
    def draw(
        cls, labels: NDArray[np.int64], resamples: int | None = None, seed: int = 0
    ) -> Resamples:
        """Draw as many subjects as there are, with replacement.

        Parameters
        ----------
        labels : (N,) subject of every item; negative ones are no subjects
        resamples : how often; None: ``RESAMPLES``
        """
        resamples = RESAMPLES if resamples is None else resamples
        subjects = np.unique(labels[labels >= 0])
        even = np.full(len(subjects), 1 / len(subjects))
        counts = np.random.default_rng(seed).multinomial(len(subjects), even, resamples)
        return cls(subjects, counts.astype(np.float32))

    def of(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the weights (R, N) of items; one without a subject (negative) always counts 1."""
        where = np.searchsorted(self.subjects, np.maximum(labels, self.subjects[0]))
        return np.where(labels >= 0, self.counts[:, where], np.float32(1))

    def of_pairs(
        self, first: NDArray[np.int64], second: NDArray[np.int64], same: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the weights (R, N) of pairs, given by the subjects of their two pictures."""
        one, other = self.of(first), self.of(second)
        # one picture of a mated pair may be missing, and with it its subject
        mated = np.where(first >= 0, one, other)
        return np.where(same, mated, one * other)

    def parts(self, items: int) -> Iterator[Resamples]:
        """Split into parts whose weights of ``items`` items fit into memory."""
        step = max(1, _NUMBERS_AT_ONCE // max(1, items))
        for start in range(0, len(self.counts), step):
            yield Resamples(self.subjects, self.counts[start : start + step])


def interval(values: NDArray[np.floating], level: float = 0.95) -> list[float] | None:
    """Return the middle ``level`` of bootstrap values; None where no resample gave one."""
    usable = values[np.isfinite(values)]
    if not len(usable):
        return None
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]


def thresholds_at_fmr(
    impostor: NDArray[np.float64], weights: NDArray[np.float32], fmr: float
) -> NDArray[np.float64]:
    """Return each resample's lowest threshold with at most ``fmr`` of the weight above it.

    Parameters
    ----------
    impostor : (N,) similarities
    weights : (R, N)
    """
    falling = np.argsort(-impostor, kind="stable")
    above = np.cumsum(weights[:, falling], axis=1, dtype=np.float64)
    allowed = np.sum(above <= fmr * above[:, -1:] + 1e-9, axis=1)
    return np.asarray(impostor[falling[np.minimum(allowed, len(impostor) - 1)]])


def true_accept_rates(
    similarity: NDArray[np.float64],
    same: NDArray[np.bool_],
    weights: NDArray[np.float32],
    fmr: float,
) -> NDArray[np.float64]:
    """Return the true accept rate of each resample at its own threshold for ``fmr``.

    Parameters
    ----------
    similarity, same : (N,)
    weights : (R, N)
    """
    thresholds = thresholds_at_fmr(similarity[~same], weights[:, ~same], fmr)
    mated = np.sort(similarity[same])
    ordered = weights[:, same][:, np.argsort(similarity[same], kind="stable")]
    missed = _running(ordered)
    at = np.searchsorted(mated, thresholds, side="right")
    return 1 - _share(missed[np.arange(len(missed)), at], missed[:, -1])


def accuracies(
    similarity: NDArray[np.float64],
    same: NDArray[np.bool_],
    fold: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the cross-validated accuracy of each resample, thresholds chosen anew in it.

    Parameters
    ----------
    similarity, same, fold : (N,)
    weights : (R, N)
    """
    order = np.argsort(similarity, kind="stable")
    # accepting from position i on is right for the impostors before it and the mated from it on
    signed = weights[:, order] * np.where(same[order], -1, 1)
    folds = [fold[order] == index for index in np.unique(fold)]
    gains = [_running(np.where(held_out, signed, 0)) for held_out in folds]
    total = np.sum(gains, axis=0)
    found = []
    for held_out, gain in zip(folds, gains, strict=True):
        best = np.argmax(total - gain, axis=1)
        cut = _cuts(similarity[order], held_out)[best]
        inside = weights[:, order][:, held_out]
        mated = inside[:, same[order][held_out]].sum(axis=1, dtype=np.float64)
        right = mated + gain[np.arange(len(gain)), cut]
        found.append(_share(right, inside.sum(axis=1, dtype=np.float64)))
    # a fold of which a resample drew nothing does not count in it
    drawn = np.isfinite(found)
    return _share(np.where(drawn, found, 0).sum(axis=0), drawn.sum(axis=0).astype(np.float64))


def aurocs(
    good: NDArray[np.floating],
    bad: NDArray[np.floating],
    good_weights: NDArray[np.float32],
    bad_weights: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the AUROC of each resample.

    Parameters
    ----------
    good, bad : (N,) and (M,), scores, higher is better
    good_weights, bad_weights : (R, N) and (R, M)
    """
    order = np.argsort(bad, kind="stable")
    below = _running(bad_weights[:, order])
    left = np.searchsorted(bad[order], good, side="left")
    right = np.searchsorted(bad[order], good, side="right")
    wins = np.sum(good_weights * (below[:, left] + below[:, right]) / 2, axis=1)
    return _share(wins, good_weights.sum(axis=1, dtype=np.float64) * below[:, -1])


def discard_areas(
    missed: NDArray[np.bool_],
    quality: NDArray[np.floating],
    weights: NDArray[np.float32],
    limit: float = 0.2,
) -> NDArray[np.float64]:
    """Return the mean FNMR up to ``limit`` discard of each resample.

    Parameters
    ----------
    missed : (R, N) whether a mated pair is missed at the resample's threshold
    quality : (N,) of the mated pairs
    weights : (R, N)
    """
    order = np.argsort(quality, kind="stable")
    held = weights[:, order]
    left = _running(held[:, ::-1])[:, :0:-1]
    wrong = _running((held * missed[:, order])[:, ::-1])[:, :0:-1]
    rate = np.divide(wrong, left, out=np.zeros_like(wrong), where=left > 0)
    grid = np.linspace(0, limit, _AREA_POINTS)
    areas = np.full(len(held), np.nan)
    for row, (remaining, rates) in enumerate(zip(left, rate, strict=True)):
        if remaining[0] > 0:
            discarded = 1 - remaining / remaining[0]
            areas[row] = np.trapezoid(np.interp(grid, discarded, rates), grid) / limit
    return areas


def _cuts(ordered: NDArray[np.float64], held_out: NDArray[np.bool_]) -> NDArray[np.int64]:
    # for a cut just after each item (0: before all): first item above the threshold, which lies
    # halfway between that item and the next one that is not held out
    trained = np.flatnonzero(~held_out)
    after = np.searchsorted(trained, np.arange(len(ordered) + 1))
    following = ordered[trained[np.minimum(after, len(trained) - 1)]]
    before = ordered[np.maximum(np.arange(len(ordered) + 1) - 1, 0)]
    cuts = np.searchsorted(ordered, (before + following) / 2, side="right")
    cuts[0] = 0
    return cuts.astype(np.int64)


def _running(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    # (R, N) -> (R, N + 1): sums of the first 0..N
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
