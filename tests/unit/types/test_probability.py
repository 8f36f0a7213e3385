from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.errors import ArtifactError, InputError
from ood_face.types import SameModel, check_prior

WEIGHTS = (8.0, -5.0, 28.0)
MODEL = SameModel("m@1", np.array(WEIGHTS), np.diag([1, 0.1, 4]), (-7.0, 8.0))
similarities = st.floats(-1, 1)
scores = st.floats(0, 1)


@st.composite
def models(draw: st.DrawFn) -> SameModel:
    weights = np.array([1, -1, 1]) * [draw(st.floats(0, 40)) for _ in range(3)]
    return SameModel("m@1", weights, np.zeros((3, 3)), (-8.0, 9.0))


def p(model: SameModel, similarity: float, score_a: float, score_b: float) -> float:
    return model.probability(similarity, score_a, score_b, 0.5).value


def test_a_value_worked_out_by_hand():
    # q = (0.6 * 0.36)^(1/3) = 0.6; 8 * 0.3 - 5 * 0.6 + 28 * 0.18 = 4.44
    found = MODEL.probability(0.3, 0.6, 0.36, 0.5)
    assert found.value == pytest.approx(1 / (1 + math.exp(-4.44)))
    # the variance is 0.09 + 0.1 * 0.36 + 4 * 0.0324 = 0.2556
    low = 1 / (1 + math.exp(-4.44 + 1.96 * math.sqrt(0.2556)))
    assert found.low == pytest.approx(low, abs=1e-5)
    # with a prior of 1 in 101, the odds are a hundredth
    rare = MODEL.probability(0.3, 0.6, 0.36, 1 / 101).value
    assert rare / (1 - rare) == pytest.approx(math.exp(4.44) / 100)


@given(models(), similarities, scores, scores)
def test_the_order_of_the_faces_does_not_matter(model, similarity, score_a, score_b):
    assert p(model, similarity, score_a, score_b) == p(model, similarity, score_b, score_a)


@given(models(), similarities, similarities, scores, scores)
def test_it_never_falls_when_the_similarity_rises(model, one, other, score_a, score_b):
    low, high = sorted((one, other))
    assert p(model, low, score_a, score_b) <= p(model, high, score_a, score_b) + 1e-12


@given(models(), similarities, scores, scores, scores)
def test_better_pictures_say_more_on_either_side_of_the_pivot(model, similarity, one, two, other):
    low, high = sorted((one, two))
    worse, better = p(model, similarity, low, other), p(model, similarity, high, other)
    if model.weights[1] + model.weights[2] * similarity >= 0:
        assert worse <= better + 1e-12
    else:
        assert worse >= better - 1e-12


def test_pictures_that_show_nothing_leave_the_prior_as_it_is():
    assert MODEL.probability(0.0, 0.0, 0.9, 0.2).value == pytest.approx(0.2)


def test_the_pivot_is_where_the_quality_says_nothing():
    assert MODEL.pivot == pytest.approx(5 / 28)
    at = {round(p(MODEL, 5 / 28, a, b), 12) for a, b in ((0.0, 1.0), (1.0, 1.0), (0.3, 0.2))}
    assert len(at) == 1
    flat = SameModel("m@1", np.array([1.0, 0, 0]), np.zeros((3, 3)), (-1, 1))
    assert flat.pivot is None


def test_no_evidence_exceeds_the_limits():
    assert p(MODEL, 1.0, 1.0, 1.0) == pytest.approx(1 / (1 + math.exp(-8)))
    found = MODEL.probability(-1.0, 1.0, 1.0, 0.5)
    assert found.low == found.value == found.high == pytest.approx(1 / (1 + math.exp(7)))


@given(similarities, scores, scores, st.floats(0.001, 0.999))
def test_the_interval_holds_the_value(similarity, score_a, score_b, prior):
    found = MODEL.probability(similarity, score_a, score_b, prior)
    assert 0 < found.low <= found.value <= found.high < 1


@pytest.mark.parametrize(
    ("similarity", "score_a", "score_b", "key"),
    [
        (math.nan, 0.5, 0.5, "probability.similarity"),
        (math.inf, 0.5, 0.5, "probability.similarity"),
        (0.5, math.nan, 0.5, "probability.score"),
        (0.5, 0.5, 1.1, "probability.score"),
        (0.5, -0.1, 0.5, "probability.score"),
    ],
)
def test_numbers_that_are_none_are_refused(similarity, score_a, score_b, key):
    with pytest.raises(InputError) as caught:
        MODEL.probability(similarity, score_a, score_b, 0.5)
    assert caught.value.key == key


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(InputError, match="above 0 and below 1"):
        check_prior(prior)


@pytest.mark.parametrize(
    ("weights", "covariance", "limits", "key"),
    [
        (WEIGHTS[:2], np.eye(3), (-1, 1), "probability.shape"),
        (WEIGHTS, np.eye(2), (-1, 1), "probability.shape"),
        ((math.nan, *WEIGHTS[1:]), np.eye(3), (-1, 1), "probability.shape"),
        (WEIGHTS, np.eye(3), (0, 1), "probability.shape"),
        (WEIGHTS, np.eye(3), (-1, math.inf), "probability.shape"),
        ((-1, 0, 0), np.eye(3), (-1, 1), "probability.sign"),
        ((1, 1, 0), np.eye(3), (-1, 1), "probability.sign"),
        (WEIGHTS, -np.eye(3), (-1, 1), "probability.covariance"),
        (WEIGHTS, np.triu(np.ones((3, 3))), (-1, 1), "probability.covariance"),
    ],
)
def test_weights_that_make_no_probability_are_refused(weights, covariance, limits, key):
    with pytest.raises(ArtifactError) as caught:
        SameModel("m@1", np.array(weights, float), covariance, limits)
    assert caught.value.key == key
