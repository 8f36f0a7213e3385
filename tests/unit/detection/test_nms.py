from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection.loops import loops
from ood_face.detection.nms import suppress_contained


def boxes(*rows):
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def scores(*values):
    return np.array(values, dtype=np.float32)


def suppress(corners, values, limit, groups=None):
    order = np.argsort(-values, kind="stable")
    if groups is None:
        groups = np.zeros(len(values), np.int64)
    return loops().kept(corners, order, groups, limit, of_smaller=False)


def plain(corners, values, limit):
    """Suppress greedily, the slow way."""
    kept = []
    for index in np.argsort(-values, kind="stable"):
        for other in kept:
            low = np.maximum(corners[index, :2], corners[other, :2])
            high = np.minimum(corners[index, 2:], corners[other, 2:])
            shared = np.clip(high - low, 0, None).prod()
            areas = [(corners[i, 2:] - corners[i, :2]).prod() for i in (index, other)]
            if shared / (sum(areas) - shared) > limit:
                break
        else:
            kept.append(int(index))
    return kept


def test_the_best_of_an_overlapping_pair_stays():
    kept = suppress(boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60)), scores(1, 2, -3), 0.5)
    assert kept.tolist() == [1, 2]


def test_an_overlap_of_just_the_limit_stays():
    # 5 of 15 columns in common
    kept = suppress(boxes((0, 0, 10, 3), (5, 0, 15, 3)), scores(1, 2), 1 / 3 + 1e-6)
    assert len(kept) == 2
    assert len(suppress(boxes((0, 0, 10, 3), (5, 0, 15, 3)), scores(1, 2), 0.33)) == 1


def test_groups_do_not_meet_even_with_negative_coordinates():
    same = boxes((-30, -30, -10, -10), (-30, -30, -10, -10), (-31, -30, -10, -10))
    kept = suppress(same, scores(1, 2, 3), 0.5, np.array([0, 1, 1]))
    assert sorted(kept.tolist()) == [0, 2]


@pytest.mark.parametrize("limit", [0.5, 0.7])
def test_random_boxes_agree_with_the_slow_way(limit):
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 60, (300, 2))
    corners = np.concatenate([corner, corner + rng.uniform(10, 30, (300, 2))], axis=1)
    corners = corners.astype(np.float32)
    values = rng.normal(0, 8, 300).astype(np.float32)
    assert suppress(corners, values, limit).tolist() == plain(corners, values, limit)


def test_nothing_in_nothing_out():
    assert suppress(boxes(), scores(), 0.5).tolist() == []
    assert suppress_contained(boxes(), scores(), 0.5).tolist() == []


def test_a_small_box_inside_a_better_one_goes():
    nested = boxes((0, 0, 100, 100), (40, 40, 60, 60), (90, 90, 140, 140))
    assert suppress_contained(nested, scores(3, 2, 1), 0.7).tolist() == [0, 2]
    assert suppress(nested, scores(3, 2, 1), 0.7).tolist() == [0, 1, 2]


def test_a_large_box_around_a_better_one_goes_too():
    nested = boxes((0, 0, 100, 100), (40, 40, 60, 60))
    assert suppress_contained(nested, scores(1, 2), 0.7).tolist() == [1]
