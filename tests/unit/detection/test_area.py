from __future__ import annotations

import cv2
import numpy as np
import pytest

from ood_face.detection.area import CHANNELS, NARROW_WINDOW_PX2, AreaTable, windows


def plain(image, height, width):
    """Average window by window, the slow way: (3, height, width)."""
    rows, cols = windows(image.shape[0], height), windows(image.shape[1], width)
    out = np.empty((3, height, width))
    for y, (top, bottom) in enumerate(zip(*rows, strict=True)):
        for x, (left, right) in enumerate(zip(*cols, strict=True)):
            out[:, y, x] = image[top:bottom, left:right].mean(axis=(0, 1))
    return out


def resized(image, height, width):
    """Return the whole picture at another size: (3, height, width)."""
    out = np.full((height, width, CHANNELS), np.nan, dtype=np.float32)
    rows, cols = windows(image.shape[0], height), windows(image.shape[1], width)
    AreaTable(image).resized(rows, cols, [(0, out)])
    return out[..., :3].transpose(2, 0, 1)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_windows_cover_everything_and_touch_what_they_share():
    begin, end = windows(5, 3)
    assert begin.tolist() == [0, 1, 3]
    assert end.tolist() == [2, 4, 5]


def test_windows_past_the_last_one_repeat_it():
    begin, end = windows(10, 5, 3, 7)
    assert begin.tolist() == [6, 8, 8, 8]
    assert end.tolist() == [8, 10, 10, 10]


@pytest.mark.parametrize("size", [(13, 17), (7, 29), (1, 1), (40, 60), (55, 33)])
def test_a_resized_picture_is_the_mean_of_its_windows(size):
    image = noise(40, 60)
    assert np.abs(resized(image, *size) - plain(image, *size)).max() < 1e-3


def test_parts_of_a_row_go_where_they_are_wanted():
    image = noise(300, 800)
    whole = resized(image, 250, 700).transpose(1, 2, 0)
    left, right = (np.zeros((250, cols, CHANNELS), dtype=np.float32) for cols in (192, 208))
    rows, cols = windows(300, 250), windows(800, 700)
    AreaTable(image).resized(rows, cols, [(0, left), (492, right)])
    assert np.array_equal(left[..., :3], whole[:, :192])
    assert np.array_equal(right[..., :3], whole[:, 492:])


def test_whole_factors_agree_with_opencv():
    image = noise(48, 96)
    exact = cv2.resize(image.astype(np.float32), (24, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(resized(image, 12, 24).transpose(1, 2, 0) - exact).max() < 1e-3


@pytest.mark.parametrize("value", [0, 255])
def test_windows_too_large_for_the_narrow_table_are_right_all_the_same(value):
    side = int(np.sqrt(NARROW_WINDOW_PX2)) + 10
    image = np.full((2 * side, 2 * side, 3), value, dtype=np.uint8)
    assert np.abs(resized(image, 2, 2) - value).max() < 1e-3
    crops = AreaTable(image).crops(np.array([[0, 0, 2 * side, 2 * side]]), 2)
    assert np.abs(crops - value).max() < 1e-3


def test_the_largest_narrow_window_is_right():
    side = int(np.sqrt(NARROW_WINDOW_PX2))
    image = np.full((side, side, 3), 255, dtype=np.uint8)
    image[..., 1] = 254
    crops = AreaTable(image).crops(np.array([[0, 0, side, side]]), 1)
    assert crops.reshape(3) == pytest.approx([255, 254, 255], abs=1e-3)


def test_sums_that_wrap_around_do_not_show():
    image = np.full((3000, 3000, 3), 255, dtype=np.uint8)  # 2.3e9 passes 2^31
    image[2990:, 2990:] = (1, 2, 3)
    crops = AreaTable(image).crops(np.array([[2990, 2990, 3000, 3000], [0, 0, 2400, 2400]]), 5)
    assert np.abs(crops[0].max(axis=(1, 2)) - [1, 2, 3]).max() < 1e-3
    assert np.abs(crops[1] - 255).max() < 1e-2


def test_a_crop_is_the_cut_out_picture_resized():
    image = noise(50, 70)
    slices = np.array([[3, 5, 20, 44], [0, 0, 70, 50], [69, 49, 70, 50], [10, 10, 12, 12]])
    crops = AreaTable(image).crops(slices, 24)
    for (left, top, right, bottom), crop in zip(slices, crops, strict=True):
        assert np.abs(crop - plain(image[top:bottom, left:right], 24, 24)).max() < 1e-3


def test_no_slices_no_crops():
    crops = AreaTable(noise(5, 5)).crops(np.empty((0, 4), dtype=np.int64), 24)
    assert crops.shape == (0, 3, 24, 24)
