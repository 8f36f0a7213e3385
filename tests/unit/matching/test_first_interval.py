"""The interval of a search's first candidate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ood_face.matching.intervals import first_interval
from ood_face.matching.probability import CalibratedSimilarity, with_probabilities
from ood_face.types import Candidate, SameModel
from ood_face.types.probability import candidate_probabilities, evidence_terms

MODEL = SameModel("m", np.array([2.0, -5.0, 30.0]), np.diag([0.3, 0.02, 2.0]), (-8.0, 10.0))


@pytest.mark.parametrize("similarity", [-0.3, 0.1, 0.2, 0.4, 0.9])
@pytest.mark.parametrize("prior", [0.5, 0.05])
def test_of_one_who_is_claimed_it_is_that_of_two_pictures(similarity, prior):
    found = first_interval(MODEL, [similarity], 0.7, [0.6], 1, prior)
    expected = MODEL.probability(similarity, 0.7, 0.6, prior)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_it_is_where_drawn_weights_put_the_probability():
    similarities, scores = [0.36, 0.30, 0.12, 0.1], [0.8, 0.7, 0.9, 0.6]
    found = first_interval(MODEL, similarities, 0.7, scores, 50, 0.5)
    rng = np.random.default_rng(4)
    weights = rng.multivariate_normal(MODEL.weights, MODEL.covariance, 40_000)
    evidence = np.clip(weights @ evidence_terms(similarities, 0.7, scores).T, *MODEL.limits)
    drawn = candidate_probabilities(evidence, 50, 0.5)[:, 0]
    assert found == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.01)
    assert found[1] - found[0] > 0.05


def test_two_who_are_equally_similar_share_whatever_the_weights_are():
    # both err alike: as one goes up, so does the other
    low, high = first_interval(MODEL, [0.9, 0.9], 0.9, [0.9, 0.9], 2, 0.5)
    assert 0.49 < low <= high < 0.5001
    alone = first_interval(MODEL, [0.3], 0.7, [0.7], 1, 0.5)
    shared = first_interval(MODEL, [0.3, 0.3], 0.7, [0.7, 0.7], 2, 0.5)
    assert shared[1] - shared[0] < alone[1] - alone[0]


def test_weights_that_are_certain_leave_a_point():
    certain = replace(MODEL, covariance=np.zeros((3, 3)))
    low, high = first_interval(certain, [0.4, 0.3], 0.7, [0.8, 0.7], 20, 0.5)
    assert low == high


def people(*similarities: float, score: float | None = 0.7) -> list[Candidate]:
    return [Candidate(f"s{i}", None, one, one, i, score) for i, one in enumerate(similarities)]


def test_the_first_candidate_has_it_around_its_probability():
    first, *others = with_probabilities(people(0.4, 0.3, 0.1), 0.8, MODEL, 30, 0.5)
    low, high = first.probability_interval
    assert 0 <= low < first.probability < high <= 1
    assert [one.probability_interval for one in others] == [None, None]


def test_there_is_none_where_nothing_is_known_of_it():
    calibrated = CalibratedSimilarity(lambda s: 1 / (1 + np.exp(-10 * np.asarray(s))), 0.5)
    (found,) = with_probabilities(people(0.4), 0.8, calibrated, 1, 0.5)
    assert found.probability is not None
    assert found.probability_interval is None
    for unknown in (
        with_probabilities(people(0.4, score=None), 0.8, MODEL, 1, 0.5),
        with_probabilities(people(0.4), None, MODEL, 1, 0.5),
        with_probabilities(people(0.4), 0.8, None, 1, 0.5),
    ):
        assert unknown[0].probability_interval is None
