"""Calibration errors against scikit-learn's, and against a table computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from ood_face.evaluation.calibration_error import bin_numbers, brier_score, log_loss, reliability

# two bins of equal width: 0.1, 0.2, 0.4 (one of three is so) and 0.7, 0.9 (both are so)
BY_HAND = np.array([0.1, 0.7, 0.2, 0.9, 0.4])
WAS_SO = np.array([False, True, True, True, False])


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    probability = rng.beta(0.6, 0.9, 4000)
    return probability, rng.random(4000) < probability**1.4


def test_errors_computed_by_hand():
    found = reliability(BY_HAND, WAS_SO, bins=2)
    low, high = abs(0.7 / 3 - 1 / 3), abs(1.6 / 2 - 1)
    assert found.predicted == pytest.approx([0.7 / 3, 0.8])
    assert found.observed == pytest.approx([1 / 3, 1.0])
    assert found.counts.tolist() == [3, 2]
    assert found.expected_error == pytest.approx((3 * low + 2 * high) / 5)
    assert found.maximum_error == pytest.approx(0.2)


def test_weights_computed_by_hand():
    # the second and the last item count double
    found = reliability(BY_HAND, WAS_SO, bins=2, weights=np.array([1, 2, 1, 1, 2]))
    assert found.predicted == pytest.approx([(0.1 + 0.2 + 0.8) / 4, (1.4 + 0.9) / 3])
    assert found.observed == pytest.approx([1 / 4, 1.0])
    assert found.expected_error == pytest.approx((4 * 0.025 + 3 * (0.7 / 3)) / 7)
    assert found.counts.tolist() == [3, 2]


@pytest.mark.parametrize(("scheme", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_the_bins_are_those_of_scikit_learn(drawn, scheme, strategy):
    observed, predicted = calibration_curve(drawn[1], drawn[0], n_bins=10, strategy=strategy)
    found = reliability(*drawn, bins=10, scheme=scheme)
    assert found.predicted == pytest.approx(predicted)
    assert found.observed == pytest.approx(observed)


def test_losses_are_those_of_scikit_learn(drawn):
    probability, outcome = drawn
    weights = np.random.default_rng(4).random(len(outcome))
    for w in (None, weights):
        assert brier_score(probability, outcome, w) == pytest.approx(
            brier_score_loss(outcome, probability, sample_weight=w)
        )
        assert log_loss(probability, outcome, w) == pytest.approx(
            sklearn_log_loss(outcome, probability, sample_weight=w)
        )


def test_a_certainty_that_was_wrong_costs_much_but_not_everything():
    assert log_loss(np.array([0.0]), np.array([True])) == pytest.approx(-np.log(2.0**-52))
    assert log_loss(np.array([0.0, 1.0]), np.array([False, True])) == 0


def test_equal_probabilities_share_a_bin():
    probability = np.array([0.2] * 8 + [0.7] * 2)
    which = bin_numbers(probability, 5, "mass")
    assert len(set(which[:8])) == 1
    assert len(set(which[8:])) == 1
    assert which[0] < which[-1]


ROWS = st.lists(
    st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40
).filter(lambda rows: any(row[2] for row in rows))


@settings(deadline=None)
@given(ROWS)
def test_weights_are_repetitions(rows):
    probability, outcome, times = (np.array(column) for column in zip(*rows, strict=True))
    weighted = reliability(probability, outcome, 7, weights=times)
    repeated = reliability(probability.repeat(times), outcome.repeat(times), 7)
    assert weighted.expected_error == pytest.approx(repeated.expected_error)
    assert weighted.maximum_error == pytest.approx(repeated.maximum_error)


@settings(deadline=None)
@given(ROWS, st.sampled_from(["width", "mass"]))
def test_the_mean_error_never_exceeds_the_largest(rows, scheme):
    probability, outcome, _ = (np.array(column) for column in zip(*rows, strict=True))
    found = reliability(probability, outcome, 7, scheme)
    assert 0 <= found.expected_error <= found.maximum_error + 1e-12
    assert found.maximum_error <= 1
    assert found.counts.sum() == len(rows)
