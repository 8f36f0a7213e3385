"""1:1 verification figures: ten-fold accuracy and the true accept rate at a false accept rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FoldAccuracy",
    "best_threshold",
    "fmr_threshold",
    "fnmr_at_fmr",
    "fold_accuracy",
    "too_few_impostors",
    "wilson_interval",
]


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Accuracy over cross-validation folds: mean, standard deviation, pairs."""

    mean: float
    std: float
    pairs: int


def best_threshold(similarity: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return the threshold of highest accuracy for ``similarity > threshold``."""
    order = np.argsort(similarity, kind="stable")
    ordered = similarity[order]
    mated = same[order].astype(np.int64)
    # accuracy when everything from position i on is accepted
    rejected_ok = np.concatenate([[0], np.cumsum(1 - mated)])
    accepted_ok = np.concatenate([np.cumsum(mated[::-1])[::-1], [0]])
    best = int(np.argmax(rejected_ok + accepted_ok))
    if best == 0:
        return float(ordered[0]) - 1e-6
    if best == len(ordered):
        return float(ordered[-1])
    return float((ordered[best - 1] + ordered[best]) / 2)


def fold_accuracy(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fold: NDArray[np.int64]
) -> FoldAccuracy:
    """Accuracy on each fold at the threshold that is best on all the others.

    Parameters
    ----------
    similarity : array of shape (N,), cosine of each pair
    same : bool array of shape (N,)
    fold : int array of shape (N,), the fold of each pair
    """
    accuracies = []
    for index in np.unique(fold):
        held_out = fold == index
        threshold = best_threshold(similarity[~held_out], same[~held_out])
        decided = similarity[held_out] > threshold
        accuracies.append(float(np.mean(decided == same[held_out])))
    return FoldAccuracy(float(np.mean(accuracies)), float(np.std(accuracies)), len(same))


def too_few_impostors(count: int, fmr: float) -> str | None:
    """Return why so many impostor pairs can't support a false match rate; None where they can.

    By the rule of 3 (ISO/IEC 19795-1) a rate needs ``3 / fmr`` pairs.
    """
    needed = int(np.ceil(3 / fmr - 1e-6))
    if count >= needed:
        return None
    return f"a false match rate of {fmr:g} needs {needed} impostor pairs, got {count}"


def fmr_threshold(impostor: NDArray[np.float64], fmr: float) -> float:
    """Return the lowest threshold at which at most ``fmr`` of impostor pairs score above it.

    Raises
    ------
    ValueError
        There are too few impostor pairs, see :func:`too_few_impostors`.
    """
    reason = too_few_impostors(len(impostor), fmr)
    if reason is not None:
        raise ValueError(reason)
    allowed = int(np.floor(fmr * len(impostor)))
    return float(np.sort(impostor)[len(impostor) - allowed - 1])


def fnmr_at_fmr(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], fmr: float
) -> tuple[float, float]:
    """Return the false non-match rate at a false match rate, and the threshold there."""
    threshold = fmr_threshold(similarity[~same], fmr)
    return float(np.mean(similarity[same] <= threshold)), threshold


def wilson_interval(rate: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a rate seen in ``count`` trials; 95 % by default."""
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    spread = np.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2)) * z / (1 + z**2 / count)
    low, high = float(max(0.0, centre - spread)), float(min(1.0, centre + spread))
    # rounding must not move the ends that are exact
    return (0.0 if rate == 0 else low), (1.0 if rate == 1 else high)
