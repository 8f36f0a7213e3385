"""How far two detectors agree."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmark.matching import Agreement, agreement, overlaps


def found(*boxes):
    """Return faces whose landmarks all lie in the box's corner."""
    return {"boxes": boxes, "landmarks": [[box[:2]] * 5 for box in boxes]}


def test_overlaps_are_intersection_over_union():
    boxes = [[0, 0, 10, 10], [0, 0, 4, 4]]

    np.testing.assert_allclose(
        overlaps(boxes, [[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]]),
        [[1, 1 / 3, 0], [0.16, 0, 0]],
    )


def test_the_same_faces_agree_wholly():
    same = agreement(found([0, 0, 10, 10], [20, 0, 40, 20]), found([20, 0, 40, 20], [0, 0, 10, 10]))

    assert same == Agreement(ours=2, theirs=2, both=2)
    assert same.of_theirs_percent == same.of_ours_percent == 100


def test_a_face_that_one_side_misses_counts_against_it():
    missed = agreement(found([0, 0, 10, 10]), found([0, 0, 10, 10], [20, 0, 40, 20]))

    assert missed.of_theirs_percent == 50
    assert missed.of_ours_percent == 100


def test_a_face_is_paired_once():
    twice = agreement(found([0, 0, 10, 10], [0, 0, 10, 9]), found([0, 0, 10, 10]))

    assert (twice.ours, twice.theirs, twice.both) == (2, 1, 1)
    assert twice.of_ours_percent == 50


def test_landmarks_are_compared_in_pixels():
    apart = agreement(found([0, 0, 10, 10]), found([0, 1, 10, 11]))
    further = agreement(found([50, 0, 60, 10]), found([53, 0, 63, 10]))

    assert apart.mean_px == pytest.approx(1)
    assert (apart + further).mean_px == pytest.approx(2)
    assert (apart + further).worst_px == pytest.approx(3)


def test_nobody_found_anything_is_no_disagreement():
    nothing = agreement(found(), found())

    assert nothing == Agreement()
    assert (nothing.of_theirs_percent, nothing.of_ours_percent, nothing.mean_px) == (100, 100, 0)
