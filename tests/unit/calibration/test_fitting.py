"""Fitting and testing on different people, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from ood_face.calibration.files import METHODS
from ood_face.calibration.labelled import LabelledData, fingerprint, split_by_group
from ood_face.calibration.values import Claims, LogitInput
from ood_face.errors import InputError
from tests.unit.calibration.calibrations import SIMILARITY, calibration, people
from tests.unit.calibration.drawn import drawn


def halves(data: LabelledData):
    return split_by_group(data, data.input.logits(data.values), data.labels)


def several(classes: int = 3, rows: int = 2000, groups: int = 40, **changes) -> LabelledData:
    logits, labels = drawn(classes, 2.5, rows)
    of = np.arange(rows) % groups
    values = {"input": LogitInput("logits", classes), "values": logits, "labels": labels}
    return LabelledData(**(values | {"first": of, "second": of} | changes))


def test_nobody_is_in_both_halves_and_no_row_is_lost():
    data = people()
    fit, test = halves(data)
    one, other = (set(np.union1d(half.first, half.second)) for half in (fit, test))
    assert not one & other
    assert (len(one), len(other)) == (30, 30)
    between = (np.isin(data.first, list(one)) != np.isin(data.second, list(one))).sum()
    assert len(fit.labels) + len(test.labels) + between == len(data.labels)
    assert calibration(data).report["data"]["rows_across_halves_left_out"] == between > 0


def test_the_halves_are_the_same_every_time():
    again = [half.logits for half in halves(people())]
    assert all((a == half.logits).all() for a, half in zip(again, halves(people()), strict=True))


@pytest.mark.parametrize("prior", [0.5, 0.05])
def test_the_prior_weighs_the_two_kinds(prior):
    for half in halves(people(prior=prior)):
        mated = half.weights[half.labels == 1].sum()
        assert mated / half.weights.sum() == pytest.approx(prior)


def test_a_rarer_prior_makes_one_person_less_probable():
    common, rare = (calibration(people(prior=prior)) for prior in (0.5, 0.01))
    assert (rare.probability([0.25, 0.3]) < common.probability([0.25, 0.3]) - 0.1).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_calibration_finds_the_probability_that_the_data_was_drawn_with(method):
    rng = np.random.default_rng(1)
    count = 20_000
    values = rng.uniform(-0.2, 1.0, count)
    # uncalibrated, 20 (s - 0.4) is twice too sure
    labels = (rng.random(count) < expit(10 * (values - 0.4))).astype(np.int64)
    groups = rng.integers(0, 100, count)
    data = LabelledData(SIMILARITY, values, labels, groups, groups)
    found = calibration(data, method)
    asked = np.array([0.2, 0.4, 0.6])
    assert found.probability(asked) == pytest.approx(expit(10 * (asked - 0.4)), abs=0.06)
    report = found.report
    assert report["after"]["ece"] < 0.02
    assert report["before"]["ece"] > 0.05
    assert report["after"]["nll"] < report["before"]["nll"]
    assert report["change"]["log_loss_is_lower"] is True
    assert report["change"]["nll_interval"][1] < 0


def test_a_temperature_leaves_the_accuracy_unchanged():
    report = calibration(people(), "temperature").report
    assert report["after"]["accuracy"] == report["before"]["accuracy"]
    assert report["change"]["accuracy_interval"] == [0, 0]


def test_several_classes_are_calibrated():
    found = calibration(several(), "temperature")
    assert found.scaling.parameters()["temperature"] == pytest.approx(2.5, rel=0.2)
    probabilities = found.probability(drawn(3, 2.5)[0])
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert probabilities.max() <= found.claims.highest < 1
    assert found.report["after"]["ece"] < found.report["before"]["ece"]


@pytest.mark.parametrize(
    ("data", "method", "key", "words"),
    [
        (people(count=19), "vector", "calibrate.few_people", ["of 9", "20"]),
        (people(count=20, each=2), "vector", "calibrate.few_to_fit", ["label 0", "30"]),
        (people(each=6), "isotonic", "calibrate.few_to_fit", ["isotonic needs 200"]),
        (several(rows=160), "temperature", "calibrate.few_rows", ["80", "100"]),
        (several(labels=np.arange(2000) % 2), "vector", "calibrate.few_to_fit", ["label 2"]),
        (people(labels=np.ones(1440, int)), "vector", "scaling.one_class", ["1440"]),
        (people(values=np.full(1440, 0.3)), "vector", "scaling.all_equal", ["1440"]),
        (people(values=np.full(1440, np.nan)), "vector", "scaling.not_finite", ["1440"]),
        (people(values=np.full(1440, 1.5)), "vector", "scaling.similarity", ["1.500"]),
        (people(labels=np.full(1440, 2)), "vector", "scaling.label_range", ["0..1"]),
        (people(prior=1.0), "vector", "calibrate.prior", ["1.0"]),
        (people(prior=float("nan")), "vector", "calibrate.prior", ["nan"]),
        (several(prior=0.5), "temperature", "calibrate.prior_classes", ["3"]),
        (people(), "magic", "calibrate.method", ["magic", "isotonic"]),
    ],
)
def test_data_that_carries_no_calibration_is_refused_with_what_is_needed(data, method, key, words):
    with pytest.raises(InputError) as caught:
        calibration(data, method)
    assert caught.value.key == key
    assert all(word in str(caught.value) for word in words)


def test_a_calibration_that_does_worse_on_others_is_refused():
    # what holds for the people fitted to is the other way round for those tested on
    data = people(each=60)
    fit, _ = halves(data)
    ours = np.isin(data.first, np.union1d(fit.first, fit.second))
    rng = np.random.default_rng(0)
    strange = np.clip(rng.normal(0.4, 0.05, len(data.values)), -1, 1)
    data = people(each=60, values=np.where(ours, 0.4 + (data.values - 0.3) / 4, strange))
    with pytest.raises(InputError) as caught:
        calibration(data)
    assert caught.value.key == "calibrate.worse"


def test_the_rule_of_3_by_hand():
    claims = Claims.of_pairs(mated=60, impostor=300, prior=0.5)
    assert claims.lowest == pytest.approx(0.05 / 1.05)
    assert claims.highest == pytest.approx(1 / 1.01)
    rare = Claims.of_pairs(mated=60, impostor=300, prior=0.1)
    assert rare.lowest == pytest.approx(0.005 / (0.005 + 0.9))
    assert rare.highest == pytest.approx(0.1 / (0.1 + 0.009))


def test_claims_of_several_classes_only_lower_the_likeliest():
    probabilities = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]])
    found = Claims.of_rows(100).limit(probabilities)
    assert found[0] == pytest.approx([0.97, 0.015, 0.015])
    assert found[1] == pytest.approx(probabilities[1])


def test_the_fingerprint_is_that_of_the_rows_in_any_order():
    rows = [b"one", b"two", b"three"]
    assert fingerprint(rows) == fingerprint(rows[::-1])
    assert fingerprint(rows) != fingerprint(rows[:2])
    assert fingerprint([b"ab", b"c"]) != fingerprint([b"a", b"bc"])
