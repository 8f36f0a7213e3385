from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection.geometry import landmarks_in, moved, sigmoid, squared, visible


def boxes(*rows):
    return np.array(rows, dtype=np.float32)


def test_sigmoid_neither_overflows_nor_loses_its_middle():
    got = sigmoid(np.array([-1e4, -2.0, 0.0, 2.0, 1e4], dtype=np.float32))
    assert got.tolist() == pytest.approx([0, 0.1192029, 0.5, 0.8807971, 1], abs=1e-6)


def test_offsets_are_shares_of_the_sides():
    got = moved(boxes((10, 20, 30, 60)), boxes((0.1, -0.5, 0, 1)), extra_px=0)
    assert got.tolist() == [[12, 0, 30, 100]]
    got = moved(boxes((0, 0, 9, 9)), boxes((1, 1, 1, 1)), extra_px=1)
    assert got.tolist() == [[10, 10, 19, 19]]


def test_a_square_keeps_the_centre_and_the_longer_side():
    assert squared(boxes((0, 0, 10, 30))).tolist() == [[-10, 0, 20, 30]]
    assert squared(boxes((0, 0, 30, 10))).tolist() == [[0, -10, 30, 20]]


def test_landmarks_come_as_five_x_then_five_y():
    relative = np.arange(10, dtype=np.float32)[None] / 10
    got = landmarks_in(boxes((100, 200, 199, 249)), relative)
    assert np.allclose(got[0, 0], (99, 224))
    assert np.allclose(got[0, 4], (139, 244))
    assert got.shape == (1, 5, 2)


def test_only_what_lies_in_the_picture_is_visible():
    got = visible(boxes((-5.5, 3.9, 8.2, 70), (5, 5, 5, 5), (50, 1, 60, 9)), height=20, width=40)
    assert got[0].tolist() == [0, 2, 8, 20]
    assert got[1].tolist() == [4, 4, 5, 5]
    assert got[2, 2] <= got[2, 0]  # empty: beyond the right edge
