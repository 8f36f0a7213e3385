"""Figures of predicted probabilities against labels, with intervals over resampled people.

Of two classes given as one probability, that of class 1 is judged. Of more, the probability of
the likeliest class is, against whether it was right (top-label calibration); their Brier score
is the sum over the classes and lies in 0..2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.calibration_error import BINS, bin_numbers, reliability
from ood_face.evaluation.intervals import interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.calibration_error import BinScheme
    from ood_face.evaluation.intervals import Resamples

__all__ = [
    "FIGURES",
    "Predictions",
    "centred_interval",
    "figures_of",
    "figures_with_intervals",
    "resampled_figures",
]

FIGURES = ("ece", "ece_equal_mass", "mce", "brier", "nll", "accuracy")
# the highest values there can be; of the others it depends on the classes, or there is none
_MOST = {"ece": 1.0, "ece_equal_mass": 1.0, "mce": 1.0, "accuracy": 1.0}
_SCHEMES: dict[str, BinScheme] = {"ece": "width", "ece_equal_mass": "mass"}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What the figures are made of, item by item.

    Attributes
    ----------
    confidence : (N,) the probability that is judged
    outcome : (N,) whether what it is the probability of was so
    squares : (N,) terms of the Brier score
    losses : (N,) terms of the negative log-likelihood
    right : (N,) whether the likelier class was right
    """

    confidence: NDArray[np.float64]
    outcome: NDArray[np.bool_]
    squares: NDArray[np.float64]
    losses: NDArray[np.float64]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> Predictions:
        """Compare probabilities, (N,) of class 1 or (N, C), with labels (N,)."""
        given = np.asarray(probabilities, np.float64)
        least = np.finfo(np.float64).eps
        if given.ndim == 1:
            outcome = labels == 1
            of_label = np.where(outcome, given, 1 - given)
            right = (given > 0.5) == outcome
            return cls(
                given, outcome, (1 - of_label) ** 2, -np.log(np.maximum(of_label, least)), right
            )
        rows = np.arange(len(labels))
        right = given.argmax(axis=1) == labels
        squares = np.sum((given - np.eye(given.shape[1])[labels]) ** 2, axis=1)
        losses = -np.log(np.maximum(given[rows, labels], least))
        return cls(given.max(axis=1), right, squares, losses, right)


def figures_of(found: Predictions, weights: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Return every figure of ``FIGURES``, and the reliability's bins of equal width.

    Parameters
    ----------
    weights : (N,) how much each item counts; None: all alike
    """
    wide = reliability(found.confidence, found.outcome, weights=weights)
    even = reliability(found.confidence, found.outcome, scheme="mass", weights=weights)
    return {
        "ece": wide.expected_error,
        "ece_equal_mass": even.expected_error,
        "mce": wide.maximum_error,
        "brier": float(np.average(found.squares, weights=weights)),
        "nll": float(np.average(found.losses, weights=weights)),
        "accuracy": float(np.average(found.right, weights=weights)),
        "reliability": {
            "predicted": wide.predicted.tolist(),
            "observed": wide.observed.tolist(),
            "counts": wide.counts.tolist(),
        },
    }


def figures_with_intervals(
    found: Predictions,
    drawn: Mapping[str, NDArray[np.float64]],
    weights: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """Return what :func:`figures_of` does, and ``<figure>_interval`` of every figure.

    Parameters
    ----------
    drawn : what :func:`resampled_figures` gave
    weights : (N,) how much each item counts; None: all alike
    """
    table = figures_of(found, weights)
    return table | {
        f"{name}_interval": centred_interval(drawn[name], table[name], 0.0, _MOST.get(name, np.inf))
        for name in FIGURES
    }


def resampled_figures(
    found: Predictions,
    resamples: Resamples,
    groups: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Return the figures (R,) of every resample.

    Parameters
    ----------
    resamples : how often each group was drawn
    groups : (N,) and (N,), the two groups of each item, the same one twice where it has only one
    weights : (N,)
    """
    first, second = groups
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in FIGURES}
    for part in resamples.parts(len(weights)):
        drawn = part.of_pairs(first, second, first == second) * weights
        for name, values in _of_resamples(found, drawn).items():
            parts[name].append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _of_resamples(found: Predictions, drawn: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    total = drawn.sum(axis=1)
    usable = total > 0  # a resample may have drawn people of whom no pair is there
    total = np.where(usable, total, np.nan)
    values = {
        "brier": drawn @ found.squares / total,
        "nll": drawn @ found.losses / total,
        "accuracy": drawn @ found.right.astype(np.float64) / total,
    }
    distance = found.confidence - found.outcome
    for name, scheme in _SCHEMES.items():
        which = bin_numbers(found.confidence, BINS, scheme)
        member = (which[:, None] == np.arange(BINS)).astype(np.float64)
        gaps = np.abs(drawn @ (member * distance[:, None]))
        values[name] = gaps.sum(axis=1) / total
        if scheme == "width":
            mass = drawn @ member
            largest = np.divide(gaps, mass, out=np.zeros_like(gaps), where=mass > 0).max(axis=1)
            values["mce"] = np.where(usable, largest, np.nan)
    return values


def centred_interval(
    drawn: NDArray[np.float64], figure: float, least: float = -np.inf, most: float = np.inf
) -> list[float] | None:
    """Return the 95 % interval of resampled figures, moved so that its middle is the figure.

    Calibration errors are sums of distances, which every resampling makes larger: unmoved, the
    interval may not even hold the figure. Where no resample gave a figure: None.

    Parameters
    ----------
    drawn : (R,) the figure of every resample; NaN where it gave none
    figure : that of the data itself
    least, most : the lowest and the highest value there can be
    """
    found = interval(drawn)
    if found is None:
        return None
    moved = figure - float(np.nanmedian(drawn))
    return [min(most, max(least, value + moved)) for value in found]
