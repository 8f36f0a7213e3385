"""What passes of dropout say: against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.matching.spread import (
    entropy_bits,
    model_spread,
    spread_of_search,
    spread_of_two,
)
from ood_face.types import Candidate, DetectedFace, DropoutPasses, FaceTemplate, SameModel

# the evidence is 10 times the similarity, whatever the scores
PLAIN = SameModel("m", np.array([10.0, 0.0, 0.0]), np.zeros((3, 3)), (-9.0, 9.0))
FACE = DetectedFace(np.array([0, 0, 9, 9]), 1.0, np.zeros((5, 2)))


def axis(angle: float) -> np.ndarray:
    """Return a unit feature whose similarity with ``axis(0)`` is the angle's cosine."""
    feature = np.zeros(512, np.float32)
    feature[:2] = math.cos(angle), math.sin(angle)
    return feature


def template(*angles: float, score: float | None = 0.8) -> FaceTemplate:
    passes = None
    if angles:
        passes = DropoutPasses(np.stack([axis(one) for one in angles]), np.full(len(angles), 0.8))
    return FaceTemplate(axis(0), score, "m", FACE, passes=passes)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_entropies_that_everybody_knows():
    found = entropy_bits([0.0, 0.25, 0.5, 0.75, 1.0])
    # -(1/4 log2 1/4 + 3/4 log2 3/4) = 2 - 3/4 log2 3
    quarter = 2 - 0.75 * math.log2(3)
    assert found == pytest.approx([0, quarter, 1, quarter, 0])


def test_passes_that_contradict_each_other_are_all_ignorance():
    # each is certain, their mean is a coin toss: one whole bit that the model does not know
    found = model_spread(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert (found.total_bits, found.expected_bits, found.unknown_bits) == pytest.approx((1, 0, 1))
    assert (found.passes, found.similarity_spread) == (2, 0.5)


def test_passes_that_agree_on_a_coin_toss_know_all_there_is():
    found = model_spread(np.full(10, 0.3), np.full(10, 0.5))
    assert (found.total_bits, found.expected_bits, found.unknown_bits) == pytest.approx((1, 1, 0))
    assert found.similarity_spread == pytest.approx(0)
    assert found.probability_range == pytest.approx((0.5, 0.5))


def test_a_split_worked_out_by_hand():
    # mean 1/2: 1 bit; each has H(1/4) = 0.811278 bits
    found = model_spread(np.array([0.1, 0.3]), np.array([0.25, 0.75]))
    assert found.total_bits == pytest.approx(1)
    assert found.expected_bits == pytest.approx(0.811278, abs=1e-6)
    assert found.unknown_bits == pytest.approx(0.188722, abs=1e-6)


def test_the_range_holds_95_percent():
    probabilities = np.linspace(0, 1, 41)
    found = model_spread(np.zeros(41), probabilities)
    assert found.probability_range == pytest.approx((0.025, 0.975))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_range_of_few_passes_holds_95_percent_of_them_as_well(probabilities):
    low, high = model_spread(
        np.zeros(len(probabilities)), np.array(probabilities)
    ).probability_range
    inside = sum(low <= one <= high for one in probabilities)
    assert inside >= 0.95 * len(probabilities)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_ignorance_is_never_negative_nor_more_than_a_bit(probabilities):
    found = model_spread(np.zeros(len(probabilities)), np.array(probabilities))
    assert 0 <= found.unknown_bits <= found.total_bits <= 1 + 1e-9
    assert found.unknown_bits == pytest.approx(found.total_bits - found.expected_bits, abs=1e-9)


def test_pass_k_of_one_meets_pass_k_of_the_other():
    found = spread_of_two(template(0.1, 0.5), template(0.4, 0.6), PLAIN, 0.5)
    similarities = [math.cos(0.3), math.cos(0.1)]
    assert found.similarity_spread == pytest.approx(np.std(similarities), abs=1e-6)
    expected = sum(sigmoid(min(9, 10 * s)) for s in similarities) / 2
    assert found.total_bits == pytest.approx(float(entropy_bits(expected)), abs=1e-6)


def test_a_face_without_passes_is_taken_as_it_is():
    found = spread_of_two(template(0.2, 1.2), template(), PLAIN, 0.5)
    assert found.similarity_spread == pytest.approx(
        np.std([math.cos(0.2), math.cos(1.2)]), abs=1e-6
    )
    assert spread_of_two(template(), template(), PLAIN, 0.5) is None


def test_the_order_of_the_faces_does_not_matter():
    a, b = template(0.1, 1.5, 0.7), template(0.4, 0.6, 2.0)
    assert spread_of_two(a, b, PLAIN, 0.3) == spread_of_two(b, a, PLAIN, 0.3)


@pytest.mark.parametrize(
    ("estimator", "score"), [(None, 0.8), (PLAIN, None)], ids=["no calibration", "no score"]
)
def test_without_a_probability_there_are_the_similarities(estimator, score):
    found = spread_of_two(template(0.1, 1.0), template(score=score), estimator, 0.5)
    assert found.similarity_spread > 0.1
    assert (found.probability_range, found.total_bits) == (None, None)
    assert (found.expected_bits, found.unknown_bits) == (None, None)


def candidate(subject_id: str, similarity: float) -> Candidate:
    return Candidate(subject_id, None, similarity, similarity, 1, 0.8)


def test_in_a_search_the_candidates_share_each_pass():
    # the first pass looks like one subject, the second like the other
    found = [(candidate("a", 0.9), axis(0.0)), (candidate("b", 0.8), axis(math.pi / 2))]
    spread = spread_of_search(template(0.0, math.pi / 2), found, PLAIN, 2, 0.5)
    likelier, less = math.exp(9), math.exp(0)
    shares = [x / 4 / (0.5 + (likelier + less) / 4) for x in (likelier, less)]
    assert spread.total_bits == pytest.approx(float(entropy_bits(sum(shares) / 2)), abs=1e-5)
    assert spread.unknown_bits > 0.9
    assert spread.similarity_spread == pytest.approx(0.5, abs=1e-6)


def test_a_search_for_one_who_is_claimed_is_a_comparison():
    probe = template(0.1, 0.5, 1.4)
    alone = spread_of_search(probe, [(candidate("a", 0.9), axis(0.3))], PLAIN, 1, 0.2)
    enrolled = FaceTemplate(axis(0.3), 0.8, "m", FACE)
    two = spread_of_two(probe, enrolled, PLAIN, 0.2)
    assert alone.probability_range == pytest.approx(two.probability_range)
    assert alone.unknown_bits == pytest.approx(two.unknown_bits)


def test_a_last_candidate_without_a_score_leaves_the_first_its_spread():
    found = [(candidate("a", 0.9), axis(0.0)), (candidate("b", 0.8), axis(math.pi / 2))]
    unscored = [found[0], (Candidate("b", None, 0.8, 0.8, 1, None), axis(math.pi / 2))]
    spread = spread_of_search(template(0.0, 0.3), unscored, PLAIN, 2, 0.5)
    assert spread == spread_of_search(template(0.0, 0.3), found[:1], PLAIN, 2, 0.5)


def test_nobody_found_or_no_passes_no_spread():
    assert spread_of_search(template(0.1, 0.2), [], PLAIN, 5, 0.5) is None
    found = [(candidate("a", 0.9), axis(0.0))]
    assert spread_of_search(template(), found, PLAIN, 1, 0.5) is None
    assert spread_of_search(template(0.1, 0.2), found, None, 1, 0.5).total_bits is None
