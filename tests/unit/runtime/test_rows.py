"""Rows of a convolution: each part says what the whole says there."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn.rows import divided, shares


def convolved(weight, values, strides, padding):
    """Say by the definition what a convolution of one channel says; padding: above and below."""
    values = np.pad(values, (padding, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(values, weight.shape)
    return np.einsum("rcij,ij->rc", windows[:: strides[0], :: strides[1]], weight)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("height", [1, 2, 7, 14, 55, 56])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 1, 0), (1, 2, 0), (2, 1, 0)]
)
def test_the_parts_say_what_the_whole_says(kernel, stride, padding, height, count):
    if height + 2 * padding < kernel:
        return
    rng = np.random.default_rng(height)
    weight, values = rng.normal(size=(kernel, kernel)), rng.normal(size=(height, 9))
    step = Convolution(0, 1, weight[None, None], np.zeros(1), (stride, stride), (padding, padding))
    expected = convolved(weight, values, step.strides, (padding, padding))
    parts = divided(step, height, count)
    assert len(parts) == min(count, len(expected))
    found = [
        convolved(weight, values[slice(*rows.source)], step.strides, rows.padding) for rows in parts
    ]
    assert [len(part) for part in found] == [rows.target[1] - rows.target[0] for rows in parts]
    assert np.array_equal(np.concatenate(found), expected)


def test_rows_are_divided_evenly_and_each_part_has_one():
    assert list(shares(7, 2)) == [(0, 3), (3, 7)]
    assert list(shares(1, 4)) == [(0, 1)]
    assert list(shares(3, 3)) == [(0, 1), (1, 2), (2, 3)]
