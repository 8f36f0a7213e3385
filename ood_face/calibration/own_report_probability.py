"""The sections of a report that judge probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.labelled import pair_weights
from ood_face.calibration.own_report_sections import (
    as_rate,
    check_pairs,
    check_people,
    scored,
    similarities_of,
)
from ood_face.calibration.own_report_values import Judged, ReliabilityChange, SameFigures
from ood_face.calibration.pairs import labelled_pairs
from ood_face.calibration.values import LogitInput
from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.predictions import (
    FIGURES,
    Predictions,
    figures_with_intervals,
    resampled_figures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.types import SameModel, Scenario

__all__ = ["reliability", "same_figures"]

PRIOR = 0.5
NAME = "own-pictures"  # of the calibration until it is saved


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
    known = scored(found, model_id)
    pairs, people = data.pairs["pairs"], data.faces.labels
    same = pairs.same.astype(np.int64)
    mated, impostor = int(same.sum()), int((1 - same).sum())
    check_pairs(mated, impostor)
    check_people(data)
    evidence = model.evidence(
        similarities_of(features, data), known[pairs.first], known[pairs.second]
    )[0]
    predicted = Predictions.of(1 / (1 + np.exp(-evidence)), same)
    groups = people[pairs.first], people[pairs.second]
    weights = pair_weights(same, PRIOR)
    drawn = resampled_figures(predicted, Resamples.draw(np.concatenate(groups)), groups, weights)
    table = figures_with_intervals(predicted, drawn, weights)
    return SameFigures(_judged(table), len(np.union1d(*groups)), mated, impostor)


def _judged(table: Mapping[str, Any]) -> Judged:
    bins = table["reliability"]
    return Judged(
        {name: as_rate(table[name], table[f"{name}_interval"]) for name in FIGURES},
        np.array(bins["predicted"]),
        np.array(bins["observed"]),
        np.array(bins["counts"]),
    )
