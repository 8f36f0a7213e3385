"""Figures of the probabilities of searches: how well that of the first candidate keeps its word.

Searches by enrolled people and by strangers weigh the same, as a prior of 0.5 says. Each search is
judged by weights that were fitted without the person searched for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.same import (
    balanced,
    check_data,
    evidence_limits,
    fold_weights,
    people_folds,
)
from ood_face.calibration.same_figures import ALONE, WITH
from ood_face.errors import InputError
from ood_face.evaluation.comparisons import DEGRADED, RECOMBINED
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.predictions import (
    Predictions,
    centred_interval,
    figures_of,
    resampled_figures,
)
from ood_face.evaluation.ranked import CANDIDATES, SIZES, Ranked, rank_probes, sizes_for
from ood_face.types import evidence_terms
from ood_face.types.probability import candidate_probabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.evaluation.comparisons import Comparisons
    from ood_face.evaluation.searches import Probes

__all__ = ["ALIKE", "EVERYTHING", "search_figures"]

ALIKE = "fitted_alike"
EVERYTHING = "all"
PRIOR = 0.5
JUDGED_BY = ("brier", "ece", "nll")
# what parts the bands of the reliability
BANDS = (0.05, 0.2, 0.5, 0.8, 0.95)
_Dealt = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


def search_figures(
    comparisons: Comparisons,
    people: Probes,
    good: NDArray[np.bool_],
    probes: Mapping[str, Probes],
    alike: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Compare the ways to the probability of the first candidate.

    Parameters
    ----------
    comparisons : the pairs that weights are fitted to
    people, good, probes : see :func:`ood_face.evaluation.ranked.rank_probes`
    alike : for kinds of probes, the sets of pairs whose pictures are like those of their
        searches: weights fitted to these alone show what a fit to other pictures costs

    Raises
    ------
    InputError
        There is too little data, or it is all alike.
    """
    check_data(comparisons)
    sizes = sizes_for(people, good)
    if not sizes:
        raise InputError(
            "evaluate.few_to_search",
            "searches among {enrolled} people and as many strangers need {needed} people with 2 "
            "pictures or more that may be enrolled",
            enrolled=SIZES[0],
            needed=2 * SIZES[0],
        )
    dealt = people_folds(comparisons)
    limits = evidence_limits(comparisons)
    whole = {name: fold_weights(comparisons, name, dealt) for name in (ALONE, WITH)}
    of_kind: dict[str, dict[str, NDArray[np.float64]]] = {
        kind: whole | _alike(comparisons, alike.get(kind, ()), dealt) for kind in probes
    }
    figures: dict[str, Any] = {"prior": PRIOR, "candidates": CANDIDATES, "bands": list(BANDS)}
    figures["galleries"] = {}
    for size in sizes:
        kinds = rank_probes(people, good, probes, size)
        given = {
            kind: {
                name: _first(found, weights, dealt, size, limits)
                for name, weights in of_kind[kind].items()
            }
            for kind, found in kinds.items()
        }
        sets = {kind: _judged(kinds[kind], given[kind]) for kind in kinds}
        if len(kinds) > 1:
            pooled = {name: np.concatenate([given[kind][name] for kind in kinds]) for name in whole}
            parts = list(kinds.values())
            sets[EVERYTHING] = _judged(Ranked.joined(parts), pooled, [len(one) for one in parts])
        figures["galleries"][f"{size}"] = {"highest": _highest(size, limits[1]), "sets": sets}
    return figures


def _alike(
    comparisons: Comparisons, names: Sequence[str], dealt: _Dealt
) -> dict[str, NDArray[np.float64]]:
    every = {name.removesuffix(RECOMBINED).removesuffix(DEGRADED) for name in comparisons.kinds}
    if not names or every <= set(names):
        return {}
    wanted = [
        name.removesuffix(RECOMBINED).removesuffix(DEGRADED) in names for name in comparisons.kinds
    ]
    part = comparisons.only(np.array(wanted)[comparisons.kind])
    return {ALIKE: fold_weights(part, WITH, dealt)}


def _first(
    found: Ranked,
    weights: NDArray[np.float64],
    dealt: _Dealt,
    size: int,
    limits: tuple[float, float],
) -> NDArray[np.float64]:
    people, fold = dealt
    where = np.minimum(np.searchsorted(people, found.labels), len(people) - 1)
    # whoever is in no pair has fitted nothing: any fold's weights will do
    own = weights[np.where(people[where] == found.labels, fold[where], 0)]
    if own.shape[1] == 2:
        evidence = own[:, :1] + own[:, 1:] * found.similarity
    else:
        probe = np.broadcast_to(found.scores[:, None], found.similarity.shape)
        terms = evidence_terms(
            found.similarity.ravel(), probe.ravel(), found.template_scores.ravel()
        ).reshape(*found.similarity.shape, -1)
        evidence = np.einsum("nkt,nt->nk", terms, own)
    return candidate_probabilities(np.clip(evidence, *limits), size, PRIOR)[:, 0]


def _judged(
    found: Ranked, given: Mapping[str, NDArray[np.float64]], parts: Sequence[int] = ()
) -> dict[str, Any]:
    # parts: lengths of kinds of probes that weigh the same
    ends = np.cumsum([0, *(parts or [len(found)])])
    weights = np.concatenate(
        [balanced(np.ones(end - start), found.mated[start:end]) for start, end in pairwise(ends)]
    )
    weights *= len(found) / weights.sum()
    resamples = Resamples.draw(found.labels)
    groups = (found.labels, found.labels)
    outcome = found.right.astype(np.int64)
    drawn: dict[str, dict[str, NDArray[np.float64]]] = {}
    methods: dict[str, dict[str, Any]] = {}
    for name, values in given.items():
        predictions = Predictions.of(values, outcome)
        drawn[name] = resampled_figures(predictions, resamples, groups, weights)
        table = figures_of(predictions, weights)
        methods[name] = {
            by: {"value": table[by], "interval": centred_interval(drawn[name][by], table[by], 0.0)}
            for by in JUDGED_BY
        }
        methods[name]["mean"] = float(np.average(values, weights=weights))
        methods[name]["bands"] = _bands(values, found.right, weights)
    larger = {
        by: {
            "value": methods[ALONE][by]["value"] - methods[WITH][by]["value"],
            "interval": centred_interval(
                drawn[ALONE][by] - drawn[WITH][by],
                methods[ALONE][by]["value"] - methods[WITH][by]["value"],
            ),
        }
        for by in JUDGED_BY
    }
    return {
        "mated_searches": int(found.mated.sum()),
        "stranger_searches": int(np.sum(~found.mated)),
        "right": float(np.average(found.right, weights=weights)),
        "methods": methods,
        "larger_without_the_scores_by": larger,
    }


def _bands(
    values: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> list[dict[str, float | int | None]]:
    which = np.digitize(values, BANDS)
    found: list[dict[str, float | int | None]] = []
    for index in range(len(BANDS) + 1):
        inside = which == index
        said, seen = (
            float(np.average(part[inside], weights=weights[inside])) if inside.any() else None
            for part in (values, right)
        )
        found.append({"searches": int(inside.sum()), "predicted": said, "observed": seen})
    return found


def _highest(size: int, limit: float) -> float:
    # a first candidate of all the evidence there can be, and others of none
    evidence = np.array([limit] + [-np.inf] * (min(CANDIDATES, size) - 1))
    return float(candidate_probabilities(evidence, size, PRIOR)[0])
