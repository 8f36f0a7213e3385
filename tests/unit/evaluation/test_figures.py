"""Figures of merit against values worked out by hand."""

import numpy as np
import pytest

from ood_face.evaluation.calibration_error import brier_score, reliability
from ood_face.evaluation.edc import error_versus_discard
from ood_face.evaluation.ood import auroc, fpr_at_tpr
from ood_face.evaluation.verification import (
    best_threshold,
    fmr_threshold,
    fnmr_at_fmr,
    fold_accuracy,
    wilson_interval,
)


def test_best_threshold_separates() -> None:
    similarity = np.array([0.1, 0.2, 0.7, 0.8])
    same = np.array([False, False, True, True])
    assert best_threshold(similarity, same) == pytest.approx(0.45)


@pytest.mark.parametrize("same", [True, False])
def test_best_threshold_of_one_kind_accepts_or_rejects_all(same: bool) -> None:
    similarity = np.array([0.1, 0.2, 0.7])
    threshold = best_threshold(similarity, np.full(3, same))
    assert ((similarity > threshold) == same).all()


def test_fold_accuracy_uses_the_other_folds_threshold() -> None:
    similarity = np.array([0.2, 0.8, 0.5, 0.9])
    same = np.array([False, True, False, True])
    fold = np.array([1, 1, 2, 2])
    # fold 1 is judged at 0.7 (right twice), fold 2 at 0.5, where 0.5 is not above
    assert fold_accuracy(similarity, same, fold).mean == pytest.approx(1.0)


def test_threshold_of_a_false_match_rate() -> None:
    impostor = np.linspace(0, 1, 1001)
    threshold = fmr_threshold(impostor, 0.01)
    assert np.mean(impostor > threshold) <= 0.01
    assert np.mean(impostor > threshold - 0.0011) > 0.0099
    similarity = np.concatenate([impostor, [0.5, 0.995]])
    same = np.concatenate([np.zeros(1001, bool), np.ones(2, bool)])
    assert fnmr_at_fmr(similarity, same, 0.01)[0] == pytest.approx(0.5)


def test_rule_of_three_refuses_too_few_pairs() -> None:
    with pytest.raises(ValueError, match="needs 3000 impostor pairs, got 2999"):
        fmr_threshold(np.zeros(2999), 1e-3)


def test_wilson_interval_known_value() -> None:
    low, high = wilson_interval(0.5, 10)
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(0.0, 3500)[0] == pytest.approx(0.0, abs=1e-12)


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)
    assert fpr_at_tpr(np.arange(100.0), np.array([-1.0, 50.0])) == pytest.approx(0.5)


def test_reliability_of_a_hand_made_example() -> None:
    probability = np.array([0.1, 0.1, 0.9, 0.9])
    outcome = np.array([False, True, True, True])
    bins = reliability(probability, outcome, bins=10)
    assert bins.counts.tolist() == [2, 2]
    assert bins.expected_error == pytest.approx((0.4 + 0.1) / 2)
    assert bins.maximum_error == pytest.approx(0.4)
    assert brier_score(probability, outcome) == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)


def test_discarding_by_the_truth_removes_the_errors_first() -> None:
    rng = np.random.default_rng(0)
    impostor = rng.uniform(-0.2, 0.2, 4000)
    mated = np.concatenate([np.full(90, 0.8), np.full(10, 0.0)])
    similarity = np.concatenate([impostor, mated])
    same = np.concatenate([np.zeros(4000, bool), np.ones(100, bool)])
    ideal = error_versus_discard(similarity, same, similarity, 1e-3)
    assert ideal.fnmr[0] == pytest.approx(0.1)
    assert np.interp(0.1, ideal.discard_rate, ideal.fnmr) == pytest.approx(0.0)
    worst = error_versus_discard(similarity, same, -similarity, 1e-3)
    assert ideal.area(0.2) < 0.1 < worst.area(0.2)
