"""Searches in galleries of a stated size: who is enrolled, who is asked for, what comes first."""

from __future__ import annotations

import numpy as np

from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet, Pairs
from ood_face.evaluation.ranked import (
    CANDIDATES,
    ENROLMENTS,
    Ranked,
    pairs_alike,
    rank_probes,
    sizes_for,
)
from ood_face.evaluation.searches import Probes

PEOPLE, EACH = 24, 3


def crowd(seed: int = 0, spread: float = 0.2) -> Probes:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(PEOPLE), EACH)
    features = np.eye(PEOPLE)[labels] + rng.normal(0, spread, (len(labels), PEOPLE))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    scores = rng.uniform(0, 1, len(labels)).astype(np.float32)
    return Probes(features.astype(np.float32), labels, scores, np.arange(len(labels)) + 100)


def searched(people: Probes, size: int = 10) -> Ranked:
    good = np.ones(len(people.labels), np.bool_)
    return rank_probes(people, good, {"all": people}, size)["all"]


def test_a_gallery_needs_as_many_strangers_as_people_enrolled() -> None:
    people = crowd()
    assert sizes_for(people, np.ones(len(people.labels), np.bool_)) == (10,)
    # with one good picture nobody could be enrolled and searched for
    assert sizes_for(people, np.arange(len(people.labels)) % EACH == 0) == ()


def test_half_of_those_searched_for_are_strangers_and_no_enrolled_picture_is() -> None:
    found = searched(crowd())
    rounds = ENROLMENTS // 10
    assert found.mated.sum() == rounds * 10 * (EACH - 1)
    assert (~found.mated).sum() == rounds * 10 * EACH
    assert not found.right[~found.mated].any()
    # a picture would be its own first candidate
    assert found.similarity.max() < 1 - 1e-6


def test_candidates_come_best_first_with_the_scores_of_their_pictures() -> None:
    people = crowd(spread=0.0)
    found = searched(people)
    assert found.similarity.shape == found.template_scores.shape == (len(found), CANDIDATES)
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    assert found.right.tolist() == found.mated.tolist()
    own = {
        label: set(people.scores[people.labels == label].astype(np.float64).tolist())
        for label in range(PEOPLE)
    }
    first = zip(found.labels[found.mated], found.template_scores[found.mated, 0], strict=True)
    assert all(score in own[int(label)] for label, score in first)


def test_the_draws_are_the_same_each_time_and_for_each_kind_of_probe() -> None:
    people = crowd()
    good = np.ones(len(people.labels), np.bool_)
    both = rank_probes(people, good, {"a": people, "b": people}, 10)
    assert both["a"].similarity.tolist() == both["b"].similarity.tolist()
    assert searched(people).similarity.tolist() == both["a"].similarity.tolist()


def test_pairs_are_like_searches_where_one_picture_may_be_enrolled_and_the_other_is_a_probe() -> (
    None
):
    frontal = np.array([True, True, False, False])
    indices = {"ff": ([0, -1], [1, 1]), "fp": ([0, 3], [2, 1]), "pp": ([2, 0], [3, 1])}
    pairs = {
        name: Pairs(np.array(one), np.array(other), np.array([True, False]), np.zeros(2, np.int64))
        for name, (one, other) in indices.items()
    }
    faces = FaceSet(np.zeros((4, 1), np.uint8), ("a", "b", "c", "d"), np.arange(4))
    data = TestData(
        faces,
        pairs,
        frontal,
        {"frontal": frontal, "profile": ~frontal},
        "ff",
        np.empty(0, np.int64),
        4,
        "none",
    )
    assert pairs_alike(data) == {"frontal": ["ff"], "profile": ["fp"]}
