"""Figures of predictions and their intervals over people."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.predictions import (
    FIGURES,
    Predictions,
    centred_interval,
    figures_of,
    figures_with_intervals,
    resampled_figures,
)


def several_classes(rows: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    probabilities = rng.dirichlet([0.6] * 4, rows)
    return probabilities, np.array([rng.choice(4, p=row) for row in probabilities])


def test_figures_of_two_classes_are_those_of_scikit_learn():
    rng = np.random.default_rng(7)
    probability = rng.random(600)
    labels = (rng.random(600) < probability).astype(np.int64)
    found = figures_of(Predictions.of(probability, labels))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, probability))
    assert found["nll"] == pytest.approx(log_loss(labels, probability))
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, probability > 0.5))


def test_figures_of_several_classes_are_those_of_scikit_learn():
    probabilities, labels = several_classes()
    found = figures_of(Predictions.of(probabilities, labels))
    assert found["nll"] == pytest.approx(log_loss(labels, probabilities))
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, probabilities.argmax(1)))
    assert found["brier"] == pytest.approx(
        brier_score_loss(labels, probabilities, scale_by_half=False)
    )


def test_the_calibration_of_several_classes_is_that_of_the_likeliest():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.8, 0.2, 0.0], [0.3, 0.3, 0.4]])
    found = figures_of(Predictions.of(probabilities, np.array([0, 1, 2])))
    assert found["ece"] == pytest.approx((2 * abs(0.8 - 0.5) + abs(0.4 - 1)) / 3)
    assert found["mce"] == pytest.approx(0.6)


def test_a_resample_gives_the_figures_of_its_people_repeated():
    probabilities, labels = several_classes(300)
    groups = np.arange(300) % 30
    found = Predictions.of(probabilities, labels)
    resamples = Resamples.draw(groups, resamples=5)
    drawn = resampled_figures(found, resamples, (groups, groups), np.ones(300))
    for r in range(5):
        times = resamples.counts[r].astype(int)[groups]
        again = Predictions.of(probabilities.repeat(times, axis=0), labels.repeat(times))
        expected = figures_of(again)
        for figure in set(FIGURES) - {"ece_equal_mass"}:  # its bins are those of the whole data
            assert drawn[figure][r] == pytest.approx(expected[figure], abs=1e-6)


def test_intervals_hold_the_figure_itself():
    probabilities, labels = several_classes(300)
    groups = np.arange(300) % 30
    found = Predictions.of(probabilities, labels)
    figures = figures_of(found)
    drawn = resampled_figures(found, Resamples.draw(groups), (groups, groups), np.ones(300))
    for figure in FIGURES:
        low, high = centred_interval(drawn[figure], figures[figure], 0.0)
        assert 0 <= low <= figures[figure] <= high
        assert low < high


def test_no_resample_gives_no_interval():
    assert centred_interval(np.array([np.nan, np.nan]), 0.5) is None


def test_no_interval_leaves_what_a_share_can_be():
    found = Predictions.of(np.array([0.9, 0.8, 0.3, 0.6]), np.array([1, 1, 0, 0]))
    # three of four are right; half of the resamples say less, others that all are
    drawn = {name: np.array([0.25, 0.5, 0.5, 1.0, 1.0]) for name in FIGURES}
    table = figures_with_intervals(found, drawn)
    assert table["accuracy"] == 0.75
    assert table["accuracy_interval"] == pytest.approx([0.525, 1.0])
    assert table["nll_interval"][1] == pytest.approx(table["nll"] + 0.5)
