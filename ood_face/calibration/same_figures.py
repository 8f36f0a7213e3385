"""Figures of P(same): with the scores against the similarity alone, on people that fitted nothing.

Every figure is of predictions at a prior of 0.5, both kinds of pairs weighing the same. The
intervals come from drawing people again and again; those of the differences from the same draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.same import FOLDS, METHODS, balanced, cross_validate
from ood_face.evaluation.comparisons import DEGRADED, RECOMBINED
from ood_face.evaluation.intervals import Resamples, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.comparisons import Comparisons
    from ood_face.types import SameModel

__all__ = ["ALONE", "JUDGED_BY", "SHIPPED", "same_figures"]

ALONE, WITH = "similarity", "with_scores"  # of METHODS
SHIPPED = "shipped"
JUDGED_BY = ("brier", "ece", "nll")
BINS = 15
THIRDS = ("worst", "middle", "best")


def same_figures(comparisons: Comparisons, shipped: SameModel | None = None) -> dict[str, Any]:
    """Compare the ways to a probability by Brier score, ECE and negative log likelihood.

    Parameters
    ----------
    comparisons : what was compared; pairs as they are and degraded ones
    shipped : the model that lies beside the network, as it is, fitted on these people too where
        these are the people it was fitted on; None: there is none

    Raises
    ------
    InputError
        There is too little data, or it is all alike.
    """
    predicted = cross_validate(comparisons)
    listed = np.array([not name.endswith(RECOMBINED) for name in comparisons.kinds])
    tested = np.isfinite(predicted[WITH]) & listed[comparisons.kind]
    if shipped is not None:
        evidence = shipped.evidence(
            comparisons.similarity, comparisons.score_a, comparisons.score_b
        )[0]
        predicted[SHIPPED] = 1 / (1 + np.exp(-evidence))
    held = {name: values[tested] for name, values in predicted.items()}
    pairs = comparisons.only(tested)
    degraded = np.array([name.endswith(DEGRADED) for name in pairs.kinds])[pairs.kind]
    sets = {name: pairs.kind == i for i, name in enumerate(pairs.kinds) if listed[i]}
    sets |= {"all": ~degraded, "all" + DEGRADED: degraded}
    figures: dict[str, Any] = {
        "folds": FOLDS,
        "people": len(np.unique([pairs.person_a, pairs.person_b])),
        "prior": 0.5,
        "sets": {name: _compared(pairs, held, mask) for name, mask in sets.items()},
        "thirds": _thirds(pairs, held, degraded),
        "reliability": {
            name: _reliability(pairs.only(degraded), held[name][degraded]) for name in held
        },
    }
    if shipped is not None:
        figures["shipped"] = {
            "weights": shipped.weights.tolist(),
            "spreads": np.sqrt(np.diag(shipped.covariance)).tolist(),
            "limits": list(shipped.limits),
            "pivot": shipped.pivot,
        }
    return figures


def _thirds(
    pairs: Comparisons, held: dict[str, NDArray[np.float64]], degraded: NDArray[np.bool_]
) -> dict[str, Any]:
    worse = np.minimum(pairs.score_a, pairs.score_b)
    low, high = np.quantile(worse[degraded], [1 / 3, 2 / 3])
    third = np.digitize(worse, [low, high])
    return {
        name: _compared(pairs, held, degraded & (third == index))
        | {"score_below": float(np.max(worse[degraded & (third == index)], initial=0))}
        for index, name in enumerate(THIRDS)
    }


def _compared(
    pairs: Comparisons, held: dict[str, NDArray[np.float64]], mask: NDArray[np.bool_]
) -> dict[str, Any]:
    part = pairs.only(mask)
    mated = int(part.same.sum())
    found: dict[str, Any] = {"mated_pairs": mated, "impostor_pairs": len(part) - mated}
    if mated in {0, len(part)}:
        return found | {"methods": None, "reason": "all pairs are of one kind"}
    people = np.unique([part.person_a, part.person_b])
    drawn = Resamples.draw(people)
    weights = [np.ones((1, len(part)), np.float32)]
    weights += [
        one.of_pairs(part.person_a, part.person_b, part.same) for one in drawn.parts(len(part))
    ]
    judged: dict[str, list[NDArray[np.float64]]] = {name: [] for name in held}
    for block in weights:
        kept = block[(block * part.same).any(axis=1) & (block * ~part.same).any(axis=1)]
        share = balanced(kept, part.same)
        for name, values in held.items():
            judged[name].append(_judged(values[mask], part.same, share))
    rows = {name: np.concatenate(blocks) for name, blocks in judged.items()}
    found["methods"] = {
        name: {
            by: {"value": float(row[0, i]), "interval": interval(row[1:, i])}
            for i, by in enumerate(JUDGED_BY)
        }
        for name, row in rows.items()
    }
    found["larger_than_with_scores_by"] = {
        name: {
            by: {
                "value": float(row[0, i] - rows[WITH][0, i]),
                "interval": interval(row[1:, i] - rows[WITH][1:, i]),
            }
            for i, by in enumerate(JUDGED_BY)
        }
        for name, row in rows.items()
        if name in METHODS and name != WITH
    }
    return found


def _judged(
    values: NDArray[np.float64], same: NDArray[np.bool_], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    # (R, 3): every figure is a sum over pairs, or over bins of such sums
    gap = values - same
    right = np.clip(np.where(same, values, 1 - values), 1e-12, 1)
    which = np.digitize(values, np.linspace(0, 1, BINS + 1)[1:-1])
    member = (which[:, None] == np.arange(BINS)) * gap[:, None]
    return np.stack(
        [share @ gap**2, np.abs(share @ member).sum(axis=1), -(share @ np.log(right))], axis=1
    )


def _reliability(part: Comparisons, values: NDArray[np.float64]) -> dict[str, list[float]]:
    share = balanced(np.ones(len(part)), part.same)
    which = np.digitize(values, np.linspace(0, 1, BINS + 1)[1:-1])
    weight = np.bincount(which, share, BINS)
    filled = weight > 0
    return {
        "predicted": (np.bincount(which, share * values, BINS)[filled] / weight[filled]).tolist(),
        "observed": (np.bincount(which, share * part.same, BINS)[filled] / weight[filled]).tolist(),
        "weight": weight[filled].tolist(),
    }
