"""Temperature scaling: against scikit-learn, and what must never change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax

from ood_face.calibration.temperature import TemperatureScaling
from ood_face.errors import InputError
from tests.unit.calibration.drawn import by_scikit_learn, drawn

LOGITS = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(2, 5)), elements=st.floats(-30, 30)
)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(classes, temperature):
    found = TemperatureScaling().fit(*drawn(classes, temperature, 30_000)).temperature
    assert found == pytest.approx(temperature, rel=0.06)


def test_no_other_temperature_has_a_lower_loss():
    logits, labels = drawn(5, 2.0)
    best = TemperatureScaling().fit(logits, labels).temperature

    def loss(temperature: float) -> float:
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()

    others = np.geomspace(0.1, 10, 2001)
    assert loss(best) <= min(map(loss, others)) + 1e-12


def test_probabilities_are_those_of_scikit_learn():
    logits, labels = drawn(4, 1.7)
    found = TemperatureScaling().fit(logits, labels).transform(logits)
    assert found == pytest.approx(by_scikit_learn("temperature", logits, labels), abs=2e-4)


def test_log_odds_and_two_columns_are_the_same():
    logits, labels = drawn(2, 2.0)
    odds = logits[:, 1] - logits[:, 0]
    columns, single = (
        TemperatureScaling().fit(logits, labels),
        TemperatureScaling().fit(odds, labels),
    )
    assert single.temperature == pytest.approx(columns.temperature, rel=1e-6)
    assert single.transform(odds) == pytest.approx(columns.transform(logits)[:, 1], abs=1e-6)


def test_weights_are_repetitions():
    logits, labels = drawn(3, 2.0, rows=300)
    times = np.random.default_rng(0).integers(0, 4, 300)
    weighted = TemperatureScaling().fit(logits, labels, times)
    repeated = TemperatureScaling().fit(logits.repeat(times, axis=0), labels.repeat(times))
    assert weighted.temperature == pytest.approx(repeated.temperature, rel=1e-6)


@settings(deadline=None)
@given(LOGITS, st.floats(0.1, 10))
def test_the_likeliest_class_never_changes(logits, temperature):
    found = TemperatureScaling.from_parameters({"temperature": temperature}).transform(logits)
    best = found[np.arange(len(logits)), logits.argmax(axis=1)]
    assert (best == found.max(axis=1)).all()


def test_the_accuracy_is_unchanged():
    for classes in (2, 7):
        logits, labels = drawn(classes, 3.0)
        scaled = TemperatureScaling().fit(logits, labels).transform(logits)
        assert (scaled.argmax(axis=1) == logits.argmax(axis=1)).all()
        assert (scaled.argmax(1) == labels).mean() == (logits.argmax(1) == labels).mean()


@settings(deadline=None)
@given(LOGITS, st.floats(0.1, 10))
def test_probabilities_sum_to_one(logits, temperature):
    found = TemperatureScaling.from_parameters({"temperature": temperature}).transform(logits)
    assert found.shape == logits.shape
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_a_lower_temperature_is_surer():
    odds = np.array([-2.0, 0.5, 3.0])
    cold, warm = (
        TemperatureScaling.from_parameters({"temperature": t}).transform(odds) for t in (0.5, 2)
    )
    assert (np.abs(cold - 0.5) > np.abs(warm - 0.5)).all()


def test_classes_told_apart_without_error_put_the_temperature_at_its_lower_bound():
    logits = np.array([[0.0, 1.0], [1.0, 0.0]] * 20)
    with pytest.raises(InputError) as caught:
        TemperatureScaling().fit(logits, np.array([1, 0] * 20))
    assert caught.value.key == "scaling.temperature_low"
    assert "0.1" in str(caught.value)


def test_platts_targets_keep_it_finite():
    odds = np.linspace(-1, 1, 40)
    scaling = TemperatureScaling(smoothed=True).fit(np.where(odds > 0, 3.0, -3.0), odds > 0)
    # 20 of each: the target of each is 21 / 22
    assert scaling.transform([3.0, -3.0]) == pytest.approx([21 / 22, 1 / 22], abs=1e-6)


def test_logits_that_say_nothing_put_the_temperature_at_its_upper_bound():
    rng = np.random.default_rng(2)
    with pytest.raises(InputError) as caught:
        TemperatureScaling().fit(rng.normal(0, 30, (2000, 3)), rng.integers(0, 3, 2000))
    assert caught.value.key == "scaling.temperature_high"


def test_a_fit_that_fails_leaves_the_scaling_as_it_was():
    logits, labels = drawn(3, 2.0)
    scaling = TemperatureScaling().fit(logits, labels)
    before = scaling.temperature
    with pytest.raises(InputError):
        scaling.fit(logits, np.zeros(len(labels), int))
    assert scaling.temperature == before
