"""Whoever a first look leaves out would not have won by the close look."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection.nms import suppress_contained
from ood_face.detection.rivals import LOGIT_ERROR, OVERLAP_ERROR, contenders

LEAST, MOST_OVERLAP = 0.85, 0.7


def scattered(rng, count):
    """Return boxes of few faces, close to each other, and their logits."""
    centres = rng.uniform(0, 400, (4, 2))[rng.integers(4, size=count)]
    sides = rng.uniform(60, 110, (count, 1))
    corners = centres + rng.normal(0, 12, (count, 2)) - sides / 2
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
    return boxes, rng.normal(1.5, 1.5, count).astype(np.float32)


def left_of(boxes, logits, some):
    """Return which boxes pass and survive suppression among some of them."""
    passed = some[logits[some] > LEAST]
    return passed[suppress_contained(boxes[passed], logits[passed], MOST_OVERLAP)]


@pytest.mark.parametrize("seed", range(200))
def test_what_a_close_look_leaves_among_them_is_what_it_leaves_among_all(seed):
    rng = np.random.default_rng(seed)
    boxes, logits = scattered(rng, int(rng.integers(1, 40)))
    # the first look errs by all that it may: a shift of s px of 60 moves an overlap by some s / 60
    first_logits = logits + rng.uniform(-LOGIT_ERROR, LOGIT_ERROR, len(logits)).astype(np.float32)
    shift = 60 * OVERLAP_ERROR / 8
    first_boxes = boxes + rng.uniform(-shift, shift, boxes.shape).astype(np.float32)

    some = contenders(first_boxes, first_logits, LEAST, MOST_OVERLAP)

    everyone = np.arange(len(boxes))
    assert left_of(boxes, logits, some).tolist() == left_of(boxes, logits, everyone).tolist()


def test_most_of_those_who_show_one_face_are_left_out():
    rng = np.random.default_rng(0)
    boxes = (100 + rng.normal(0, 2, (20, 4)) + [0, 0, 80, 80]).astype(np.float32)
    logits = np.arange(20, dtype=np.float32)
    assert contenders(boxes, logits, LEAST, MOST_OVERLAP).tolist() == [19]


def test_near_equals_and_those_apart_stay():
    boxes = np.array([[0, 0, 80, 80], [1, 1, 81, 81], [200, 0, 280, 80]], np.float32)
    logits = np.array([3.0, 3.0 + LOGIT_ERROR, 1.0], np.float32)
    assert contenders(boxes, logits, LEAST, MOST_OVERLAP).tolist() == [0, 1, 2]


def test_who_cannot_pass_is_left_out_and_who_may_stays():
    boxes = np.array([[0, 0, 80, 80], [200, 0, 280, 80]], np.float32)
    logits = LEAST + LOGIT_ERROR * np.array([-1.1, -0.9], np.float32)
    assert contenders(boxes, logits, LEAST, MOST_OVERLAP).tolist() == [1]


def test_a_rival_that_may_itself_lose_takes_nobody_along():
    # the first may suppress the second, which alone would suppress the third
    boxes = np.array([[0, 0, 100, 100], [20, 0, 120, 100], [40, 0, 140, 100]], np.float32)
    logits = np.array([4.0, 3.0, 2.0], np.float32)
    assert contenders(boxes, logits, LEAST, MOST_OVERLAP).tolist() == [0, 2]


def test_nobody_competes_where_nobody_is():
    none = np.empty((0, 4), np.float32)
    assert contenders(none, none[:, 0], LEAST, MOST_OVERLAP).tolist() == []
