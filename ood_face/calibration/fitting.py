"""Fit a calibration on one half of the data, test it on the other, and say how far it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.arrays import (
    as_columns,
    checked_labels,
    like,
    log_softmax,
    refuse_hopeless,
)
from ood_face.calibration.files import METHODS, Calibration, check_name
from ood_face.calibration.isotonic import IsotonicScaling
from ood_face.calibration.labelled import split_by_group
from ood_face.calibration.temperature import TemperatureScaling
from ood_face.calibration.values import Claims
from ood_face.calibration.vector import VectorScaling
from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.predictions import (
    FIGURES,
    Predictions,
    centred_interval,
    figures_with_intervals,
    resampled_figures,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.calibration.labelled import Half, LabelledData
    from ood_face.calibration.scaling import Scaling

__all__ = ["FEWEST_PEOPLE", "FEWEST_ROWS", "fit_calibration"]

# in each half; resampling fewer people gives no interval worth the name
FEWEST_PEOPLE = 10
# rows of each class: by the rule of 3, fewer could not even support a probability of 0.9
FEWEST_ROWS = 30
# a staircase is free to follow noise; a parameter or two are not
FEWEST_ROWS_ISOTONIC = 200
# rows in all, where there are more than two classes
FEWEST_IN_ALL = 100


def fit_calibration(
    data: LabelledData, method: str, name: str, model_id: str, made: str
) -> Calibration:
    """Fit on half of the people and test on the others.

    Of two classes, the fit is to Platt's targets, so that few data give no overly sure result.

    Parameters
    ----------
    method : ``temperature``, ``vector`` or ``isotonic``
    name : of the calibration
    model_id : of the model whose values these are
    made : time, ISO 8601

    Raises
    ------
    InputError
        There is too little data, nothing can be fitted to it, or the result does worse than no
        calibration.
    """
    check_name(name)
    logits = data.input.logits(data.values)
    labels = checked_labels(data.labels, logits)
    refuse_hopeless(logits, labels)
    _check_prior(data)
    fit, test = split_by_group(data, logits, labels)
    _check_people(fit, test)
    _check_enough(fit, test, data.input.classes, method)
    scaling = _estimator(method, data.input.classes).fit(fit.logits, fit.labels, fit.weights)
    claims = _claims(test, data)
    after = claims.limit(scaling.transform(test.logits))
    figures = _compare(test, after)
    between = len(labels) - len(fit.labels) - len(test.labels)
    return Calibration(
        name=name,
        model_id=model_id,
        made=made,
        scaling=scaling,
        input=data.input,
        claims=claims,
        prior=data.prior,
        report={
            "data": {**data.about, "rows_across_halves_left_out": between},
            "fit": _about(fit, data.input.classes),
            "test": _about(test, data.input.classes),
            **figures,
            "reference": data.reference,
        },
    )


def _estimator(method: str, classes: int) -> Scaling:
    smoothed = classes == 2
    made: dict[str, Scaling] = {
        "temperature": TemperatureScaling(smoothed=smoothed),
        "vector": VectorScaling(smoothed=smoothed),
        "isotonic": IsotonicScaling(),
    }
    if method not in made:
        raise InputError(
            "calibrate.method",
            "there is no method {method}; there are {known}",
            method=method,
            known=", ".join(METHODS),
        )
    return made[method]


def _claims(test: Half, data: LabelledData) -> Claims:
    if data.input.classes > 2:
        return Claims.of_rows(len(test.labels))
    impostor, mated = (int(count) for count in test.counts(2))
    prior = mated / (mated + impostor) if data.prior is None else data.prior
    return Claims.of_pairs(mated, impostor, prior)


def _compare(test: Half, after: NDArray[np.float64]) -> dict[str, Any]:
    before = like(test.logits, np.exp(log_softmax(as_columns(test.logits))))
    resamples = Resamples.draw(np.concatenate([test.first, test.second]))
    groups = (test.first, test.second)
    tables: dict[str, Any] = {}
    drawn = {}
    for key, probabilities in (("before", before), ("after", after)):
        found = Predictions.of(probabilities, test.labels)
        drawn[key] = resampled_figures(found, resamples, groups, test.weights)
        tables[key] = figures_with_intervals(found, drawn[key], test.weights)
    change = {
        name: centred_interval(
            drawn["after"][name] - drawn["before"][name],
            tables["after"][name] - tables["before"][name],
        )
        for name in FIGURES
    }
    worse = change["nll"]
    if worse is not None and worse[0] > 0:
        raise InputError(
            "calibrate.worse",
            "on the half it was not fitted to, the calibration makes the log loss worse: "
            "{after:.4f} instead of {before:.4f}; nothing was written; more people are needed, or "
            "the method temperature",
            after=tables["after"]["nll"],
            before=tables["before"]["nll"],
        )
    better = worse is not None and worse[1] < 0
    tables["change"] = {f"{name}_interval": change[name] for name in FIGURES}
    tables["change"]["log_loss_is_lower"] = better
    return tables


def _about(half: Half, classes: int) -> dict[str, Any]:
    counts = half.counts(classes).tolist()
    return {"people": half.people, "rows": len(half.labels), "rows_of_each_label": counts}


def _check_prior(data: LabelledData) -> None:
    if data.prior is None:
        return
    if not 0 < data.prior < 1:
        raise InputError(
            "calibrate.prior", "the prior must lie between 0 and 1, not {prior}", prior=data.prior
        )
    if data.input.classes > 2:
        raise InputError(
            "calibrate.prior_classes",
            "a prior is for 2 classes, the logits have {classes}",
            classes=data.input.classes,
        )


def _check_people(fit: Half, test: Half) -> None:
    people = min(fit.people, test.people)
    if people < FEWEST_PEOPLE:
        raise InputError(
            "calibrate.few_people",
            "one half of the data has rows of {people} people or groups; {needed} are needed to "
            "fit on and as many others to test on, for intervals from fewer would say nothing: "
            "give data of at least {total} people",
            people=people,
            needed=FEWEST_PEOPLE,
            total=2 * FEWEST_PEOPLE,
        )


def _check_enough(fit: Half, test: Half, classes: int, method: str) -> None:
    each = FEWEST_ROWS_ISOTONIC if method == "isotonic" else FEWEST_ROWS
    for half, counts, needed in (
        ("fit", fit.counts(classes), each),
        ("test", test.counts(classes), FEWEST_ROWS),
    ):
        rare = int(counts.argmin())
        every = classes == 2 or (half == "fit" and method != "temperature")
        if every and counts[rare] < needed:
            raise InputError(
                f"calibrate.few_to_{half}",
                f"the half to {half} on has {{count}} rows with the label {{label}} (of pairs, 1: "
                "one person, 0: two people), {method} needs {needed} of each; give about "
                "{factor:.1f} times as much data",
                count=int(counts[rare]),
                label=rare,
                method=method,
                needed=needed,
                factor=needed / max(1, int(counts[rare])),
            )
        if counts.sum() < FEWEST_IN_ALL and classes > 2:
            raise InputError(
                "calibrate.few_rows",
                "half of the data has {count} rows, at least {needed} are needed",
                count=int(counts.sum()),
                needed=FEWEST_IN_ALL,
            )
