"""Pairs as they are, degraded, and recombined."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.evaluation import comparisons
from ood_face.evaluation.comparisons import Comparisons, gather_comparisons
from ood_face.evaluation.faces import FaceSet, Pairs
from ood_face.evaluation.instruments import Instruments


def measure(crops):
    flat = (
        crops.reshape(len(crops), -1)[:, : 3 * 512].astype(np.float32).reshape(len(crops), 512, 3)
    )
    features = flat.mean(axis=2) - 127.0
    return features, 1 / (1 + crops.std(axis=(1, 2, 3)))


def curve(variances):
    return np.asarray(np.exp(-variances), np.float32)


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    crops = np.random.default_rng(3).integers(0, 256, (24, 112, 112, 3), np.uint8)
    labels = np.repeat(np.arange(8), 3)
    return FaceSet(crops, tuple(f"{i}.png" for i in range(24)), labels)


@pytest.fixture(scope="module")
def pairs(faces) -> Pairs:
    # two groups of four people, which no pair joins, and one missing picture
    one, other = np.triu_indices(24, 1)
    inside = (one < 12) == (other < 12)
    one, other = one[inside], other[inside]
    same = faces.labels[one] == faces.labels[other]
    first = np.append(one, -1)
    return Pairs(
        first, np.append(other, 5), np.append(same, False), np.append(one >= 12, False) * 1
    )


def gathered(faces, pairs, *, recombine: bool) -> Comparisons:
    return gather_comparisons(
        Instruments(measure, curve), curve, faces, {"own": pairs}, recombine=recombine
    )


def test_each_set_comes_as_it_is_and_degraded(faces, pairs):
    found = gathered(faces, pairs, recombine=False)
    assert found.kinds == ("own", "own_degraded")
    plain, degraded = (found.only(found.kind == kind) for kind in (0, 1))
    assert len(plain) == len(degraded) == len(pairs.same) - 1  # one has a missing picture
    features = measure(faces.crops)[0]
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    expected = np.sum(features[pairs.first[:-1]] * features[pairs.second[:-1]], axis=1)
    np.testing.assert_allclose(plain.similarity, expected, atol=1e-5)
    np.testing.assert_array_equal(plain.same, plain.person_a == plain.person_b)
    np.testing.assert_array_equal(degraded.same, plain.same)
    # each of the two pictures is degraded, each in its own way
    assert np.mean(degraded.score_a != plain.score_a) > 0.95
    assert np.mean(degraded.score_b != plain.score_b) > 0.95
    assert abs(np.corrcoef(degraded.score_a, degraded.score_b)[0, 1]) < 0.5


def test_further_impostors_are_of_two_people_of_one_fold(faces, pairs):
    found = gathered(faces, pairs, recombine=True)
    assert found.kinds == (
        "own",
        "own_recombined",
        "own_degraded",
        "own_degraded_recombined",
    )
    more = found.only(found.kind == 1)
    assert len(more) > 3 * int((~pairs.same).sum())
    assert not more.same.any()
    assert (more.person_a != more.person_b).all()
    assert ((more.person_a < 4) == (more.person_b < 4)).all()


def test_the_same_data_give_the_same_comparisons(faces, pairs):
    one, other = (gathered(faces, pairs, recombine=True) for _ in range(2))
    np.testing.assert_array_equal(one.similarity, other.similarity)
    np.testing.assert_array_equal(one.score_b, other.score_b)


def test_of_a_large_set_some_pairs_are_drawn(faces, pairs, monkeypatch):
    monkeypatch.setattr(comparisons, "MAX_PAIRS", 20)
    found = gathered(faces, pairs, recombine=False)
    assert len(found) == 40
