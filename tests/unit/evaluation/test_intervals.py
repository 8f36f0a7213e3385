"""Weighted figures of resamples: with weights of 1 they are the plain ones; duplicates count."""

import numpy as np
import pytest

from ood_face.evaluation.edc import error_versus_discard
from ood_face.evaluation.intervals import (
    Resamples,
    accuracies,
    aurocs,
    discard_areas,
    interval,
    thresholds_at_fmr,
    true_accept_rates,
)
from ood_face.evaluation.ood import auroc
from ood_face.evaluation.verification import fmr_threshold, fnmr_at_fmr, fold_accuracy

RNG = np.random.default_rng(0)
SAME = np.arange(4000) < 600
SIMILARITY = np.where(SAME, RNG.normal(0.5, 0.2, 4000), RNG.normal(0.0, 0.15, 4000))
FOLD = np.arange(4000) % 10
ONES = np.ones((1, 4000), np.float32)


def test_weights_of_one_give_the_plain_figures() -> None:
    impostor = SIMILARITY[~SAME]
    threshold = fmr_threshold(impostor, 1e-3)
    assert thresholds_at_fmr(impostor, ONES[:, ~SAME], 1e-3) == pytest.approx([threshold])
    tar = 1 - fnmr_at_fmr(SIMILARITY, SAME, 1e-3)[0]
    assert true_accept_rates(SIMILARITY, SAME, ONES, 1e-3) == pytest.approx([tar])
    plain = fold_accuracy(SIMILARITY, SAME, FOLD).mean
    assert accuracies(SIMILARITY, SAME, FOLD, ONES) == pytest.approx([plain])
    good, bad = SIMILARITY[SAME].round(1), SIMILARITY[~SAME].round(1)  # rounded: ties
    assert aurocs(good, bad, ONES[:, SAME], ONES[:, ~SAME]) == pytest.approx([auroc(good, bad)])


def test_weight_of_one_gives_the_plain_discard_area() -> None:
    quality = SIMILARITY + RNG.normal(0, 0.3, 4000)
    curve = error_versus_discard(SIMILARITY, SAME, quality, 1e-3)
    missed = (SIMILARITY[SAME] <= fmr_threshold(SIMILARITY[~SAME], 1e-3))[None]
    area = discard_areas(missed, quality[SAME], ONES[:, SAME])
    assert area == pytest.approx([curve.area(0.2)], abs=1e-3)


def test_a_weight_of_two_is_an_item_twice() -> None:
    weights = RNG.integers(0, 3, (1, 4000)).astype(np.float32)
    twice = np.repeat(np.arange(4000), weights[0].astype(int))
    similarity, same = SIMILARITY[twice], SAME[twice]
    plain = 1 - fnmr_at_fmr(similarity, same, 1e-3)[0]
    assert true_accept_rates(SIMILARITY, SAME, weights, 1e-3) == pytest.approx([plain])
    expected = auroc(similarity[same], similarity[~same])
    found = aurocs(SIMILARITY[SAME], SIMILARITY[~SAME], weights[:, SAME], weights[:, ~SAME])
    assert found == pytest.approx([expected])
    expected = fold_accuracy(similarity, same, FOLD[twice]).mean
    # folds of other sizes than drawn: their mean is the same, each fold counts once
    assert accuracies(SIMILARITY, SAME, FOLD, weights) == pytest.approx([expected], abs=2e-3)


def test_whole_subjects_are_drawn() -> None:
    labels = np.repeat(np.arange(5), 3)
    resamples = Resamples.draw(labels, 200, seed=3)
    assert (resamples.counts.sum(axis=1) == 5).all()
    weights = resamples.of(labels)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert len(np.unique(weights[:, 0])) > 2
    again = Resamples.draw(labels, 200, seed=3)
    assert (again.counts == resamples.counts).all()


def test_pairs_weigh_what_their_subjects_do() -> None:
    resamples = Resamples(np.array([4, 7]), np.array([[2, 3]], np.float32))
    first, second = np.array([4, 4, 7, -1, -1]), np.array([4, 7, 7, 7, 4])
    same = np.array([True, False, True, True, False])
    # the last two have a missing picture, whose subject is not known
    assert resamples.of_pairs(first, second, same).tolist() == [[2, 6, 3, 3, 2]]


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        good, bad = rng.normal(1, 1, 80), rng.normal(0, 1, 80)
        each = np.arange(80)
        drawn = Resamples.draw(each, 300, seed), Resamples.draw(each, 300, seed + 1000)
        values = aurocs(good, bad, drawn[0].of(each), drawn[1].of(each))
        low, high = interval(values) or (1, 0)
        hits += low <= 0.7602 <= high  # Phi(1 / sqrt(2))
    assert 50 <= hits <= 60


def test_no_value_no_interval() -> None:
    assert interval(np.array([np.nan, np.nan])) is None


def test_a_resample_without_a_kind_gives_no_number() -> None:
    none = np.zeros((1, 3), np.float32)
    assert np.isnan(aurocs(np.ones(3), np.zeros(3), none, np.ones((1, 3), np.float32))).all()
    assert np.isnan(discard_areas(np.ones((1, 3), bool), np.arange(3.0), none)).all()
