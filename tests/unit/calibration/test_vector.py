"""Vector scaling: its gradient, its minimum, and Platt's scaling as a special case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from ood_face.calibration.temperature import TemperatureScaling
from ood_face.calibration.vector import VectorScaling, loss_and_gradient
from ood_face.errors import InputError
from tests.unit.calibration.drawn import by_scikit_learn, drawn


def shifted(classes: int, rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits that are wrong by a temperature of 2 and by biases, labels, the biases."""
    right, labels = drawn(classes, 1.0, rows)
    biases = np.linspace(-1, 1, classes)
    return 2 * (right - biases), labels, biases


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_the_gradient_is_that_of_finite_differences(seed, classes):
    rng = np.random.default_rng(seed)
    columns = rng.normal(0, 2, (20, classes))
    targets, weights = rng.dirichlet(np.ones(classes), 20), rng.random(20) + 0.1
    point = np.concatenate([[rng.uniform(0.2, 3)], rng.normal(0, 1, classes)])
    wrong = check_grad(
        lambda x: loss_and_gradient(x, columns, targets, weights)[0],
        lambda x: loss_and_gradient(x, columns, targets, weights)[1],
        point,
    )
    assert wrong < 1e-5


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_temperature_and_biases_that_made_the_labels_are_found(classes):
    logits, labels, biases = shifted(classes, rows=20_000)
    found = VectorScaling().fit(logits, labels).parameters()
    assert found["temperature"] == pytest.approx(2, rel=0.05)
    assert found["biases"] == pytest.approx(biases, abs=0.12)
    assert sum(found["biases"]) == pytest.approx(0, abs=1e-9)


def test_the_gradient_vanishes_at_the_fit():
    logits, labels, _ = shifted(4)
    found = VectorScaling().fit(logits, labels).parameters()
    point = np.concatenate([[1 / found["temperature"]], found["biases"]])
    _, gradient = loss_and_gradient(point, logits, np.eye(4)[labels], np.ones(len(labels)))
    assert np.abs(gradient).max() < 1e-5


def test_of_two_classes_it_is_platts_scaling():
    logits, labels, _ = shifted(2, rows=400)
    odds = logits[:, 1] - logits[:, 0]
    found = VectorScaling(smoothed=True).fit(odds, labels).transform(odds)
    assert found == pytest.approx(by_scikit_learn("sigmoid", odds, labels)[:, 1], abs=1e-4)


def test_log_odds_and_two_columns_are_the_same():
    logits, labels, _ = shifted(2)
    odds = logits[:, 1] - logits[:, 0]
    columns, single = VectorScaling().fit(logits, labels), VectorScaling().fit(odds, labels)
    assert single.transform(odds) == pytest.approx(columns.transform(logits)[:, 1], abs=1e-5)


def test_probabilities_sum_to_one_and_their_means_are_the_shares():
    logits, labels, _ = shifted(5)
    found = VectorScaling().fit(logits, labels).transform(logits)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found.mean(axis=0) == pytest.approx(np.bincount(labels) / len(labels), abs=1e-5)


def test_log_odds_keep_their_order():
    logits, labels, _ = shifted(2)
    scaling = VectorScaling().fit(logits[:, 1] - logits[:, 0], labels)
    assert (np.diff(scaling.transform(np.linspace(-9, 9, 50))) > 0).all()


def test_it_fits_no_worse_than_a_temperature_alone():
    logits, labels, _ = shifted(3)
    rows = np.arange(len(labels))
    vector, temperature = (
        -np.log(scaling.fit(logits, labels).transform(logits)[rows, labels]).mean()
        for scaling in (VectorScaling(), TemperatureScaling())
    )
    assert vector < temperature - 0.01


def test_a_class_that_never_occurs_is_named():
    logits, labels, _ = shifted(3)
    with pytest.raises(InputError) as caught:
        VectorScaling().fit(logits[labels != 1], labels[labels != 1])
    assert caught.value.key == "scaling.class_absent"
    assert "label 1" in str(caught.value)


def test_a_temperature_at_its_bound_is_refused():
    logits = np.array([[0.0, 1.0], [1.0, 0.0]] * 20)
    with pytest.raises(InputError) as caught:
        VectorScaling().fit(logits, np.array([1, 0] * 20))
    assert caught.value.key == "scaling.temperature_low"
