"""The sections of a report on somebody's own pictures, each made by what other commands use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ood_face.calibration.fitting import FEWEST_PEOPLE, FEWEST_ROWS
from ood_face.calibration.operating_points import (
    Rate,
    check_impostors,
    operating_point,
    retakes,
)
from ood_face.calibration.own_report_values import (
    Discard,
    DiscardLine,
    ErrorTradeOff,
    Histogram,
    Operating,
    OperatingRow,
    Scores,
    Similarities,
)
from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.pair_figures import DISCARD_GRID, FMR, det_curve, discard_lines
from ood_face.evaluation.verification import fmr_threshold, too_few_impostors

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from numpy.typing import NDArray

    from ood_face.calibration.operating_points import OperatingPoint
    from ood_face.calibration.trials import Trials
    from ood_face.evaluation.datasets import TestData

    T = TypeVar("T")

__all__ = [
    "as_rate",
    "check_pairs",
    "check_people",
    "discard",
    "made_or_refused",
    "operating",
    "scored",
    "scores",
    "similarities",
    "similarities_of",
    "trade_off",
]

SCORE_EDGES = np.round(np.linspace(0, 1, 21), 2)
SIMILARITY_EDGES = np.round(np.linspace(-1, 1, 101), 2)
SEED = 29


def scores(found: NDArray[np.float32] | None, passed: NDArray[np.bool_], model_id: str) -> Scores:
    """Count the pictures by score.

    Parameters
    ----------
    found : (P,) ood_score; None: the model gives none, which is refused
    passed : (P,) whether the gate lets the picture pass
    """
    known = scored(found, model_id)
    counts = np.histogram(known, SCORE_EDGES)[0].astype(np.int64)
    return Scores(Histogram(SCORE_EDGES, counts), float(known.mean()), int((~passed).sum()))


def similarities(trials: Trials) -> Similarities:
    """Count the pairs by similarity, in steps of 0.02 over the range that they take."""
    kinds = [np.clip(kind.similarity, -1, 1) for kind in (trials.mated, trials.impostor)]
    counts = [np.histogram(kind, SIMILARITY_EDGES)[0].astype(np.int64) for kind in kinds]
    filled = np.flatnonzero(counts[0] + counts[1])
    part = slice(int(filled[0]), int(filled[-1]) + 1)
    edges = SIMILARITY_EDGES[part.start : part.stop + 1]
    return Similarities(*(Histogram(edges, kind[part]) for kind in counts))


def trade_off(trials: Trials) -> ErrorTradeOff:
    """Return the curve of the false non-match rate over the false match rate."""
    mated, impostor = trials.mated.similarity, trials.impostor.similarity
    check_pairs(len(mated), len(impostor))
    curve = {name: np.array(rates) for name, rates in det_curve(mated, impostor).items()}
    smallest = 3 / len(impostor)
    carried = curve["fmr"] >= smallest * (1 - 1e-9)
    return ErrorTradeOff(
        curve["fmr"][carried], curve["fnmr"][carried], len(mated), len(impostor), smallest
    )


def discard(
    features: NDArray[np.float32],
    found: NDArray[np.float32] | None,
    data: TestData,
    fmrs: tuple[float, ...],
    model_id: str,
) -> Discard:
    """Leave out the pairs with the worst picture.

    Parameters
    ----------
    fmrs : false match rates, falling: the threshold is that for 0.001, if the pairs can carry it,
        or for the smallest of these that they can
    """
    known = scored(found, model_id)
    pairs, labels = data.pairs["pairs"], data.faces.labels
    similarity, same = similarities_of(features, data), pairs.same
    mated, impostor = int(same.sum()), int((~same).sum())
    check_pairs(mated, impostor)
    check_people(data)
    carried = [rate for rate in (FMR, *reversed(fmrs)) if too_few_impostors(impostor, rate) is None]
    if not carried:
        check_impostors(impostor, fmrs[0])
    fmr = carried[0]
    rng = np.random.default_rng(SEED)
    methods: dict[str, NDArray[np.floating]] = {
        "ood_score": np.minimum(known[pairs.first], known[pairs.second]),
        "random": rng.random(len(same)),
        "ideal": similarity,
    }
    one, other = labels[pairs.first], labels[pairs.second]
    drawn = (part.of_pairs(one, other, same) for part in Resamples.draw(labels).parts(len(same)))
    lines = discard_lines(similarity, same, methods, drawn, fmr)
    return Discard(
        fmr,
        fmr_threshold(similarity[~same], fmr),
        DISCARD_GRID,
        {
            name: DiscardLine(
                np.array(line["fnmr"]), as_rate(line["area_to_20_percent"], line["area_interval"])
            )
            for name, line in lines.items()
        },
        mated,
        impostor,
    )


def operating(
    trials: Trials,
    fmrs: tuple[float, ...],
    found: NDArray[np.float32] | None,
    model_id: str,
    begin: Callable[[str], None],
) -> Operating:
    """Find the thresholds, with and without the gate; what a rate lacks stands in its row.

    Parameters
    ----------
    begin : told of each threshold, of which those from a million pairs take seconds
    """
    cost, gated = retakes(trials), trials.gated()

    def without_gate(fmr: float) -> OperatingPoint:
        begin(f"operating point, FMR {fmr:g}")
        return operating_point(trials, fmr)

    def with_gate(fmr: float) -> OperatingPoint:
        begin(f"operating point, FMR {fmr:g}, with gate")
        scored(found, model_id)
        return operating_point(gated, fmr)

    rows = tuple(
        OperatingRow(
            fmr,
            made_or_refused(partial(without_gate, fmr)),
            made_or_refused(partial(with_gate, fmr)),
        )
        for fmr in fmrs
    )
    if found is None:
        return Operating(rows, cost["people"], None, None)
    return Operating(rows, cost["people"], cost["share"], cost["never"])


def made_or_refused(make: Callable[[], T]) -> T | InputError:
    """Return what is made, or the error of data that can't carry it."""
    try:
        return make()
    except InputError as exc:
        return exc


def as_rate(value: float, ends: list[float] | None) -> Rate:
    """Return a number with its interval."""
    return Rate(value, None if ends is None else (ends[0], ends[1]))


def similarities_of(features: NDArray[np.float32], data: TestData) -> NDArray[np.float64]:
    """Return the cosines (N,) of the pairs named ``pairs``."""
    pairs = data.pairs["pairs"]
    one, other = features[pairs.first], features[pairs.second]
    return np.asarray(np.einsum("nd,nd->n", one, other, dtype=np.float64))


def scored(found: NDArray[np.float32] | None, model_id: str) -> NDArray[np.float64]:
    """Return scores (P,); InputError where the model gives none."""
    if found is None:
        raise InputError(
            "trust.no_score", "the model {model} gives no quality score", model=model_id
        )
    return np.asarray(found, np.float64)


def check_pairs(mated: int, impostor: int) -> None:
    """Raise InputError where there are too few pairs of a kind for any figure."""
    if min(mated, impostor) < FEWEST_ROWS:
        raise InputError(
            "trust.few_pairs",
            "{needed} pairs of one person and as many of two people are needed (by the rule of 3, "
            "fewer could not even support an error of 0.1); there are {mated} and {impostor}",
            needed=FEWEST_ROWS,
            mated=mated,
            impostor=impostor,
        )


def check_people(data: TestData) -> None:
    """Raise InputError where there are too few people for an interval."""
    people = len(np.unique(data.faces.labels))
    if people < FEWEST_PEOPLE:
        raise InputError(
            "trust.few_people",
            "{needed} people are needed, for intervals from fewer would say nothing; there are "
            "{people}",
            needed=FEWEST_PEOPLE,
            people=people,
        )
