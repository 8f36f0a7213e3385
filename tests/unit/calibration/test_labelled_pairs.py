"""Pairs of pictures as calibration data: who counts, what is left out, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.calibration.pairs import labelled_pairs
from ood_face.errors import InputError
from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet, Pairs
from tests.unit.calibration.calibrations import SIMILARITY

ROWS = [(0, 1, True), (2, 3, True), (0, 2, False), (1, 3, False), (4, 2, False), (-1, 3, False)]


def data(rows=ROWS, shades=(10, 20, 30, 40, 50), labels=(0, 0, 1, 1, 2)) -> TestData:
    crops = np.stack([np.full((112, 112, 3), shade, np.uint8) for shade in shades])
    names = tuple(f"{'abc'[label]}/{i}.png" for i, label in enumerate(labels))
    first, second, same = (np.array(column) for column in zip(*rows, strict=True))
    pairs = {"pairs": Pairs(first, second, same, np.zeros(len(rows), int))}
    good = np.ones(len(names), bool)
    faces = FaceSet(crops, names, np.array(labels))
    return TestData(faces, pairs, good, {}, "pairs", np.empty(0, int), 6, "by hand")


def unit(*angles_deg: float) -> np.ndarray:
    angles = np.deg2rad(angles_deg)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


FEATURES = unit(0, 60, 90, 90, 180)


def test_similarities_labels_and_people_by_hand():
    found = labelled_pairs(data(), FEATURES, None, SIMILARITY, 0.5)
    assert found.values == pytest.approx([0.5, 1.0, 0.0, np.cos(np.deg2rad(30)), 0.0], abs=1e-6)
    assert found.labels.tolist() == [1, 1, 0, 0, 0]
    assert found.first.tolist() == [0, 1, 0, 0, 2]
    assert found.second.tolist() == [0, 1, 1, 1, 1]
    about = found.about
    assert (about["people"], about["pictures"], about["pictures_with_a_face"]) == (3, 6, 5)
    assert (about["pairs"], about["pairs_of_one_person"]) == (5, 2)
    assert about["pairs_without_a_face_left_out"] == 1
    assert "ood_score" not in found.reference


def test_quantiles_are_kept_for_drift():
    scores = np.linspace(0, 1, 5).astype(np.float32)
    reference = labelled_pairs(data(), FEATURES, scores, SIMILARITY, 0.5).reference
    assert reference["ood_score"] == pytest.approx(np.linspace(0, 1, 21))
    assert reference["similarity_of_one_person"][0] == pytest.approx(0.5)
    assert reference["similarity_of_one_person"][10] == pytest.approx(0.75)
    assert len(reference["similarity_of_two_people"]) == 21


def test_a_copy_of_a_picture_is_no_second_picture():
    found = labelled_pairs(data(shades=(10, 10, 30, 40, 50)), FEATURES, None, SIMILARITY, 0.5)
    assert found.about["pairs_of_one_picture_left_out"] == 1
    assert found.labels.tolist() == [1, 0, 0, 0]


def test_one_picture_under_two_people_is_refused_with_both_names():
    with pytest.raises(InputError) as caught:
        labelled_pairs(data(shades=(10, 20, 10, 40, 50)), FEATURES, None, SIMILARITY, 0.5)
    assert caught.value.key == "calibrate.shared_picture"
    assert "a/0.png and b/2.png" in str(caught.value)


def test_pairs_that_contradict_each_other_are_refused():
    with pytest.raises(InputError) as caught:
        labelled_pairs(data([*ROWS, (1, 0, False)]), FEATURES, None, SIMILARITY, 0.5)
    assert caught.value.key == "calibrate.contradiction"
    assert "a/1.png and a/0.png" in str(caught.value)


def test_the_fingerprint_follows_pictures_and_labels_and_not_the_order():
    def of(rows, **changes):
        made = labelled_pairs(data(rows, **changes), FEATURES, None, SIMILARITY, 0.5)
        return made.about["fingerprint"]

    assert of(ROWS) == of(ROWS[::-1])
    assert of(ROWS) == of([(1, 0, True), *ROWS[1:]])
    assert of(ROWS) != of(ROWS[1:])
    assert of(ROWS) != of(ROWS, shades=(11, 20, 30, 40, 50))
