"""Isotonic scaling: scikit-learn's curve, applied without scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from ood_face.calibration.isotonic import IsotonicScaling
from ood_face.errors import InputError
from tests.unit.calibration.drawn import drawn


def bent(rows: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds and labels whose probability no temperature and no bias gives."""
    rng = np.random.default_rng(6)
    odds = rng.uniform(-4, 4, rows)
    truth = np.where(odds < 0, 0.3 + 0.05 * odds, 0.5 + 0.1 * odds)
    return odds, (rng.random(rows) < truth).astype(np.int64)


def test_the_curve_is_that_of_scikit_learn():
    odds, labels = bent()
    other = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(odds, labels)
    asked = np.linspace(-3, 3, 301)  # the ends are treated differently, see below
    found = IsotonicScaling().fit(odds, labels).transform(asked)
    assert len(set(found)) > 15
    assert found == pytest.approx(other.predict(asked), abs=1e-12)


def test_it_follows_what_a_temperature_cannot():
    odds, labels = bent(40_000)
    found = IsotonicScaling().fit(odds, labels).transform(np.array([-3.0, -0.5, 0.5, 3.0]))
    assert found == pytest.approx([0.15, 0.275, 0.55, 0.8], abs=0.05)


def test_ends_that_were_all_of_one_kind_are_no_certainties():
    # 8 impostors below, 4 mated above, nothing between
    odds = np.concatenate([np.linspace(-2, -1, 8), np.linspace(1, 2, 4)])
    found = IsotonicScaling().fit(odds, odds > 0).transform(np.array([-9.0, 9.0]))
    assert found == pytest.approx([1 / 10, 1 - 1 / 6])


def test_an_end_with_few_rows_does_not_lift_the_others():
    odds = np.concatenate([[-5.0], np.linspace(-4, 0, 500)])
    labels = np.concatenate([[0], np.tile([0] * 19 + [1], 25)])
    found = IsotonicScaling().fit(odds, labels).transform(np.array([-5.0, -2.0]))
    assert found == pytest.approx([0.05, 0.05], abs=0.02)


def test_the_ends_follow_the_weights():
    odds = np.concatenate([np.linspace(-2, -1, 8), np.linspace(1, 2, 4)])
    weights = np.where(odds > 0, 3.0, 1.0)
    found = IsotonicScaling().fit(odds, odds > 0, weights).transform(np.array([-9.0, 9.0]))
    assert found == pytest.approx([3 / (3 + 9), 1 - 1 / (1 + 3 * 5)])


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=3, max_size=40),
    st.lists(st.floats(-25, 25), min_size=2, max_size=10),
)
def test_a_higher_similarity_never_gives_a_lower_probability(rows, asked):
    rows += [(-20, False), (20, True)]
    odds, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = IsotonicScaling().fit(odds, labels).transform(np.sort(asked))
    assert (np.diff(found) >= 0).all()
    assert (found > 0).all()
    assert (found < 1).all()


def test_log_odds_and_two_columns_are_the_same():
    odds, labels = bent()
    columns = np.stack([-odds / 2, odds / 2], axis=1)
    single = IsotonicScaling().fit(odds, labels).transform(odds)
    double = IsotonicScaling().fit(columns, labels).transform(columns)
    assert double == pytest.approx(np.stack([1 - single, single], axis=1))


def test_probabilities_of_several_classes_sum_to_one_and_are_calibrated():
    logits, labels = drawn(4, 3.0, 8000)
    scaling = IsotonicScaling().fit(logits[:4000], labels[:4000])
    found, truth = scaling.transform(logits[4000:]), labels[4000:]
    assert found.sum(axis=1) == pytest.approx(1)
    sure = found[:, 2] > 0.6
    assert found[sure, 2].mean() == pytest.approx((truth[sure] == 2).mean(), abs=0.05)


def test_where_no_class_is_possible_all_are_alike():
    table = {"log_odds": [[-1.0, 1.0]] * 3, "probabilities": [[0.0, 1.0]] * 3}
    found = IsotonicScaling.from_parameters(table).transform([[-1.0, -1.0, -1.0], [5.0, 0.0, 0.0]])
    assert found[0] == pytest.approx([1 / 3] * 3)
    assert found[1] == pytest.approx([1, 0, 0])


def test_a_class_that_never_occurs_is_refused():
    logits, labels = drawn(3, 1.0, 500)
    with pytest.raises(InputError) as caught:
        IsotonicScaling().fit(logits, np.where(labels == 2, 0, labels))
    assert caught.value.key == "scaling.class_absent"


@pytest.mark.parametrize(
    ("log_odds", "probabilities"),
    [
        ([], []),
        ([[0, 1]] * 2, [[0, 1]] * 2),
        ([[1, 0]], [[0, 1]]),
        ([[0, 1]], [[1, 0]]),
        ([[0, 1]], [[0, 1.1]]),
        ([[0, 1]], [[-0.1, 1]]),
        ([[0, 1]], [[0, float("nan")]]),
        ([[0, 1]], [[0, 0.5, 1]]),
        ([[]], [[]]),
    ],
)
def test_knots_that_are_no_rising_curve_are_refused(log_odds, probabilities):
    with pytest.raises(ValueError, match=r"curve|rise|argument"):
        IsotonicScaling.from_parameters({"log_odds": log_odds, "probabilities": probabilities})
