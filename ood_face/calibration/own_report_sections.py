"""The sections of a report on somebody's own pictures, each made by what other commands use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.fitting import FEWEST_PEOPLE, FEWEST_ROWS, fit_calibration
from ood_face.calibration.labelled import pair_weights
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
    Judged,
    Operating,
    OperatingRow,
    ReliabilityChange,
    SameFigures,
    Scores,
    Similarities,
)
from ood_face.calibration.pairs import labelled_pairs
from ood_face.calibration.values import LogitInput
from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.pair_figures import DISCARD_GRID, det_curve, discard_lines
from ood_face.evaluation.predictions import (
    FIGURES,
    Predictions,
    figures_with_intervals,
    resampled_figures,
)
from ood_face.evaluation.verification import fmr_threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from numpy.typing import NDArray

    from ood_face.calibration.operating_points import OperatingPoint
    from ood_face.calibration.trials import Trials
    from ood_face.evaluation.datasets import TestData
    from ood_face.types import SameModel, Scenario

    T = TypeVar("T")

__all__ = [
    "discard",
    "made_or_refused",
    "operating",
    "reliability",
    "same_figures",
    "scores",
    "similarities",
    "trade_off",
]

PRIOR = 0.5
NAME = "own-pictures"  # of the calibration until it is saved
SCORE_EDGES = np.linspace(0, 1, 21)
SIMILARITY_EDGES = np.round(np.linspace(-1, 1, 101), 2)
SEED = 29


def scores(found: NDArray[np.float32] | None, passed: NDArray[np.bool_], model_id: str) -> Scores:
    """Count the pictures by score.

    Parameters
    ----------
    found : (P,) ood_score; None: the model gives none, which is refused
    passed : (P,) whether the gate lets the picture pass
    """
    known = _scored(found, model_id)
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
    _check_pairs(len(mated), len(impostor))
    curve = det_curve(mated, impostor)
    return ErrorTradeOff(
        np.array(curve["fmr"]),
        np.array(curve["fnmr"]),
        len(mated),
        len(impostor),
        3 / len(impostor),
    )


def discard(
    features: NDArray[np.float32],
    found: NDArray[np.float32] | None,
    data: TestData,
    fmrs: tuple[float, ...],
    model_id: str,
) -> Discard:
    """Leave out the pairs with the worst picture, at the smallest rate that the pairs can carry.

    Parameters
    ----------
    fmrs : false match rates, falling
    """
    known = _scored(found, model_id)
    pairs, labels = data.pairs["pairs"], data.faces.labels
    similarity, same = _similarity(features, data), pairs.same
    mated, impostor = int(same.sum()), int((~same).sum())
    _check_pairs(mated, impostor)
    _check_people(data)
    check_impostors(impostor, fmrs[0])
    fmr = min(rate for rate in fmrs if 3 / rate - 1e-6 <= impostor)
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
                np.array(line["fnmr"]), _rate(line["area_to_20_percent"], line["area_interval"])
            )
            for name, line in lines.items()
        },
        mated,
        impostor,
    )


def reliability(
    features: NDArray[np.float32],
    found: NDArray[np.float32] | None,
    data: TestData,
    scenario: Scenario,
    how: tuple[str, str],
) -> ReliabilityChange:
    """Fit a calibration to half of the people, and judge it on the others.

    Parameters
    ----------
    how : the model's id, and the method
    """
    middle = (scenario.same_above + scenario.different_below) / 2
    labelled = labelled_pairs(
        data, features, found, LogitInput("similarity", zero_at=middle), PRIOR
    )
    calibration = fit_calibration(labelled, how[1], NAME, how[0], "")
    report = calibration.report
    return ReliabilityChange(
        _judged(report["before"]),
        _judged(report["after"]),
        calibration,
        report["fit"]["people"],
        report["fit"]["rows"],
        report["test"]["people"],
        report["test"]["rows"],
    )


def operating(
    trials: Trials,
    fmrs: tuple[float, ...],
    found: NDArray[np.float32] | None,
    model_id: str,
) -> Operating:
    """Find the thresholds, with and without the gate; what a rate lacks stands in its row."""
    cost, gated = retakes(trials), trials.gated()

    def with_gate(fmr: float) -> OperatingPoint:
        _scored(found, model_id)
        return operating_point(gated, fmr)

    rows = tuple(
        OperatingRow(
            fmr,
            made_or_refused(partial(operating_point, trials, fmr)),
            made_or_refused(partial(with_gate, fmr)),
        )
        for fmr in fmrs
    )
    if found is None:
        return Operating(rows, cost["people"], None, None)
    return Operating(rows, cost["people"], cost["share"], cost["never"])


def same_figures(
    features: NDArray[np.float32],
    found: NDArray[np.float32] | None,
    data: TestData,
    model: SameModel | None,
    model_id: str,
) -> SameFigures:
    """Judge P(same) of a model as it is."""
    if model is None:
        raise InputError(
            "trust.no_same_model", "the model {model} has no P(same) to judge", model=model_id
        )
    model.check_model(model_id)
    known = _scored(found, model_id)
    pairs, people = data.pairs["pairs"], data.faces.labels
    same = pairs.same.astype(np.int64)
    mated, impostor = int(same.sum()), int((1 - same).sum())
    _check_pairs(mated, impostor)
    _check_people(data)
    evidence = model.evidence(_similarity(features, data), known[pairs.first], known[pairs.second])[
        0
    ]
    predicted = Predictions.of(1 / (1 + np.exp(-evidence)), same)
    groups = people[pairs.first], people[pairs.second]
    weights = pair_weights(same, PRIOR)
    drawn = resampled_figures(predicted, Resamples.draw(np.concatenate(groups)), groups, weights)
    table = figures_with_intervals(predicted, drawn, weights)
    return SameFigures(_judged(table), len(np.union1d(*groups)), mated, impostor)


def made_or_refused(make: Callable[[], T]) -> T | InputError:
    """Return what is made, or the error of data that can't carry it."""
    try:
        return make()
    except InputError as exc:
        return exc


def _judged(table: Mapping[str, Any]) -> Judged:
    bins = table["reliability"]
    return Judged(
        {name: _rate(table[name], table[f"{name}_interval"]) for name in FIGURES},
        np.array(bins["predicted"]),
        np.array(bins["observed"]),
        np.array(bins["counts"]),
    )


def _rate(value: float, ends: list[float] | None) -> Rate:
    return Rate(value, None if ends is None else (ends[0], ends[1]))


def _similarity(features: NDArray[np.float32], data: TestData) -> NDArray[np.float64]:
    pairs = data.pairs["pairs"]
    one, other = features[pairs.first], features[pairs.second]
    return np.asarray(np.einsum("nd,nd->n", one, other, dtype=np.float64))


def _scored(found: NDArray[np.float32] | None, model_id: str) -> NDArray[np.float64]:
    if found is None:
        raise InputError(
            "trust.no_score", "the model {model} gives no quality score", model=model_id
        )
    return np.asarray(found, np.float64)


def _check_pairs(mated: int, impostor: int) -> None:
    if min(mated, impostor) < FEWEST_ROWS:
        raise InputError(
            "trust.few_pairs",
            "{needed} pairs of one person and as many of two people are needed (by the rule of 3, "
            "fewer could not even support an error of 0.1); there are {mated} and {impostor}",
            needed=FEWEST_ROWS,
            mated=mated,
            impostor=impostor,
        )


def _check_people(data: TestData) -> None:
    people = len(np.unique(data.faces.labels))
    if people < FEWEST_PEOPLE:
        raise InputError(
            "trust.few_people",
            "{needed} people are needed, for intervals from fewer would say nothing; there are "
            "{people}",
            needed=FEWEST_PEOPLE,
            people=people,
        )
