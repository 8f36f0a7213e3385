"""Pictures are shrunk by area: in C as by OpenCV, and as the definition says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ood_face.detection.shrinking import shrunk
from ood_face.imaging import decode
from tests.benchmark.made_pictures import PICTURES
from tests.fakes.native import compiled, native_library_at

# height and width, before and after: all kinds of ratios, up to those of a single row or column
SIZES = [
    ((300, 400), (299, 399)),
    ((300, 401), (96, 128)),
    ((75, 1000), (6, 80)),
    ((37, 2000), (2, 127)),
    ((2, 2001), (1, 1280)),
    ((2001, 3), (1280, 2)),
    ((90, 70), (1, 3)),
    ((7, 5), (7, 4)),
]


def noise(height, width):
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


def weights(size, count):
    """Return what each pixel of the smaller side has of each pixel, (count, size)."""
    edges = np.arange(count + 1) * size / count
    covered = np.minimum(edges[1:, None], np.arange(1, size + 1)) - np.maximum(
        edges[:-1, None], np.arange(size)
    )
    return covered.clip(0) * count / size


def means(image, height, width):
    """Say by the definition, in float64, what the smaller picture is before it is rounded."""
    down, across = weights(image.shape[0], height), weights(image.shape[1], width)
    return np.einsum("yh,hwc,xw->yxc", down, image.astype(np.float64), across, optimize=True)


@compiled
@pytest.mark.parametrize(("before", "after"), SIZES)
def test_a_pixel_is_the_mean_of_what_it_covers(before, after):
    image = noise(*before)
    found, expected = shrunk(image, *after), means(image, *after)
    assert found.shape == (*after, 3)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.5 + 1e-3


@compiled
@pytest.mark.parametrize("size", [(3000, 4000), (1080, 1920), (900, 1281), (777, 3333)])
def test_pictures_are_what_opencv_makes_of_them(size):
    image = cv2.resize(decode((PICTURES / "obama_1.jpg").read_bytes()), size[::-1])
    after = tuple(round(side * 1280 / max(size)) for side in size)
    expected = cv2.resize(image, after[::-1], interpolation=cv2.INTER_AREA)
    apart = np.abs(shrunk(image, *after).astype(int) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3


@pytest.mark.parametrize("after", [(120, 200), (120, 100), (60, 200)])
def test_whole_multiples_are_opencvs(after):
    image = noise(240, 400)
    expected = cv2.resize(image, after[::-1], interpolation=cv2.INTER_AREA)
    assert np.array_equal(shrunk(image, *after), expected)


@compiled
def test_a_part_of_a_picture_and_a_mirrored_one_are_shrunk_as_they_look():
    image = noise(300, 401)
    for seen in (image[10:280, 5:390], image[:, ::-1], image[::2]):
        expected = shrunk(np.ascontiguousarray(seen), 96, 128)
        assert np.array_equal(shrunk(seen, 96, 128), expected)


def test_without_the_library_opencv_does_it(tmp_path, monkeypatch):
    image = noise(300, 401)
    expected = cv2.resize(image, (128, 96), interpolation=cv2.INTER_AREA)
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        assert np.array_equal(shrunk(image, 96, 128), expected)
