"""Crops become the network's input, or are refused."""

from __future__ import annotations

import numpy as np
import pytest

from ood_face.errors import InputError
from ood_face.imaging import preprocess


def test_values_and_order():
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    planes = preprocess(crops)
    assert planes.dtype == np.float32
    assert planes.shape == (3, 3, 112, 112)
    assert planes.flags.c_contiguous
    expected = (crops.astype(np.float64) - 127.5) / 127.5
    np.testing.assert_allclose(planes, expected.transpose(0, 3, 1, 2), atol=1e-7)
    assert planes.min() == -1
    assert planes.max() == 1


def test_no_crops_give_no_planes():
    assert preprocess(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, 3, 112, 112)


def test_one_crop_gives_the_same_alone_and_in_a_batch():
    crops = np.random.default_rng(1).integers(0, 256, (2, 112, 112, 3), np.uint8)
    assert (preprocess(crops)[1:] == preprocess(crops[1:])).all()


@pytest.mark.parametrize(
    "shape", [(112, 112, 3), (1, 3, 112, 112), (1, 112, 112, 4), (1, 112, 96, 3), (112,), ()]
)
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"expected crops of shape \(N, 112, 112, 3\)") as caught:
        preprocess(np.zeros(shape, np.uint8))
    assert caught.value.key == "crops.shape"


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_])
def test_other_types_are_refused(dtype):
    with pytest.raises(InputError, match=np.dtype(dtype).name) as caught:
        preprocess(np.zeros((1, 112, 112, 3), dtype))
    assert caught.value.key == "crops.dtype"
