"""1:N searches: who is enrolled, who is a stranger, what is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.evaluation.searches import (
    SPLITS,
    Probes,
    Split,
    draw_splits,
    enrollable,
    search,
)

PEOPLE, EACH = 15, 4


def probes(features: list[list[float]], labels: list[int], first: int = 0) -> Probes:
    unit = np.array(features, np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    count = len(labels)
    return Probes(unit, np.array(labels), np.ones(count, np.float32), np.arange(count) + first)


def people(seed: int = 0, spread: float = 0.3) -> Probes:
    """Return pictures of people around points far apart, two thirds of them of good quality."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(PEOPLE), EACH)
    features = np.eye(PEOPLE, 32)[labels] + rng.normal(0, spread / np.sqrt(32), (len(labels), 32))
    found = probes(features.tolist(), labels.tolist())
    return replace(found, scores=rng.uniform(0.2, 0.8, len(labels)).astype(np.float32))


def everything(count: int) -> NDArray[np.bool_]:
    return np.ones(count, np.bool_)


def test_a_search_ranks_subjects_by_their_best_template() -> None:
    gallery = probes([[1, 0, 0], [0, 1, 0], [0.8, 0.6, 0]], [7, 9, 9])
    asked = probes([[1, 0, 0], [0, 0.6, 0.8], [0, 1, 0]], [7, 9, 5], first=10)
    split = Split(np.array([0, 1, 2]), np.empty(0, np.int64), np.empty(0, np.int64))
    found = search(gallery, [split], asked, gated=False)
    assert found.similarity == pytest.approx([1, 0.6, 1])
    assert found.margin == pytest.approx([0.2, 0.6, 1])  # the second subject, not template
    assert found.mated.tolist() == [True, True, False]
    assert found.right.tolist() == [True, True, False]


def test_a_gallery_of_one_person_has_no_second_candidate() -> None:
    gallery = probes([[1, 0]], [7])
    split = Split(np.array([0]), np.empty(0, np.int64), np.empty(0, np.int64))
    found = search(gallery, [split], probes([[0.6, 0.8]], [8], first=5), gated=False)
    assert found.similarity == pytest.approx([0.6])
    assert np.isinf(found.margin).all()


def test_everybody_serves_as_enrolled_and_as_stranger() -> None:
    crowd = people()
    good = everything(len(crowd.labels))
    splits = draw_splits(crowd, good, 2, 0.5)
    assert len(splits) == SPLITS
    enrolled = [set(crowd.labels[split.plain].tolist()) for split in splits]
    assert {len(some) for some in enrolled} == {PEOPLE // 2}
    assert set().union(*enrolled) == set(range(PEOPLE))
    assert all(any(person not in some for some in enrolled) for person in range(PEOPLE))
    for first, second in zip(enrolled[::2], enrolled[1::2], strict=True):
        assert not first & second
    again = draw_splits(crowd, good, 2, 0.5)
    assert [s.plain.tolist() for s in again] == [s.plain.tolist() for s in splits]


def test_no_enrolled_picture_is_searched_for() -> None:
    crowd = people()
    splits = draw_splits(crowd, everything(len(crowd.labels)), 1, 0.5)
    for split in splits:
        found = search(crowd, [split], crowd, gated=False)
        assert not np.isin(found.pictures, np.union1d(split.plain, split.gated)).any()
        assert set(found.labels[found.mated]) <= set(crowd.labels[split.plain])
        assert not np.isin(found.labels[~found.mated], crowd.labels[split.plain]).any()


def test_the_gate_enrols_good_pictures_only_and_leaves_out_whom_it_refuses() -> None:
    crowd = people()
    scores = np.where(crowd.labels == 3, 0.1, crowd.scores).astype(np.float32)
    crowd = replace(crowd, scores=scores)
    splits = draw_splits(crowd, everything(len(scores)), 1, 0.5)
    assert all((scores[split.gated] > 0.5).all() for split in splits)
    assert any((scores[split.plain] <= 0.5).any() for split in splits)
    asked_for_three = [split for split in splits if 3 in crowd.labels[split.plain]]
    assert len(asked_for_three) == SPLITS // 2
    for split in asked_for_three:
        assert 3 in split.refused
        assert 3 in search(crowd, [split], crowd, gated=False).labels
        assert 3 not in search(crowd, [split], crowd, gated=True).labels


def test_where_nobody_could_be_enrolled_nothing_is_searched_for() -> None:
    crowd = replace(people(), scores=np.zeros(PEOPLE * EACH, np.float32))
    splits = draw_splits(crowd, everything(PEOPLE * EACH), 1, 0.5)
    assert len(search(crowd, splits, crowd, gated=True).labels) == 0


def test_who_has_one_good_picture_cannot_be_enrolled() -> None:
    labels = np.array([1, 1, 2, 2, 3])
    good = np.array([True, True, True, False, True])
    assert enrollable(labels, good, 1).tolist() == [1]
