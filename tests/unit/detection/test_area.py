from __future__ import annotations

import cv2
import numpy as np
import pytest

from ood_face.detection.area import NARROW_WINDOW_PX2, AreaTable, spans


def windows(length, count, first=0, past=None):
    """Begin and end of each window, as the table takes them: one row."""
    index = np.arange(first, count if past is None else past)
    begin, end = spans(length, count, index)
    return begin[None], end[None]


def plain(image, height, width):
    """Average window by window, the slow way."""
    rows, cols = (
        list(zip(*spans(length, count, np.arange(count)), strict=True))
        for length, count in zip(image.shape[:2], (height, width), strict=True)
    )
    return np.array([[image[a:b, c:d].mean(axis=(0, 1)) for c, d in cols] for a, b in rows])


def resized(image, height, width):
    """Return the whole picture at another size."""
    rows, cols = windows(image.shape[0], height), windows(image.shape[1], width)
    (means,) = AreaTable(image).means(rows, cols)
    return means


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_windows_cover_everything_and_touch_what_they_share():
    begin, end = spans(5, 3, np.arange(3))
    assert begin.tolist() == [0, 1, 3]
    assert end.tolist() == [2, 4, 5]


def test_windows_past_the_last_one_repeat_it():
    begin, end = spans(10, 5, np.arange(3, 7))
    assert begin.tolist() == [6, 8, 8, 8]
    assert end.tolist() == [8, 10, 10, 10]


def test_windows_of_several_lengths_are_told_apart():
    begin, end = spans(np.array([[4], [6]]), 2, np.arange(2))
    assert begin.tolist() == [[0, 2], [0, 3]]
    assert end.tolist() == [[2, 4], [3, 6]]


@pytest.mark.parametrize("size", [(13, 17), (7, 29), (1, 1), (40, 60), (55, 33)])
def test_a_resized_picture_is_the_mean_of_its_windows(size):
    image = noise(40, 60)
    means = resized(image, *size)
    assert means.shape == (*size, 3)
    assert means.dtype == np.float32
    assert np.abs(means - plain(image, *size)).max() < 1e-3


def test_a_part_of_the_windows_is_that_part_of_the_picture():
    image = noise(300, 800)
    whole = resized(image, 250, 700)
    some = AreaTable(image).means(windows(300, 250, 7, 40), windows(800, 700, 492, 700))
    assert np.array_equal(some[0], whole[7:40, 492:])


def test_whole_factors_agree_with_opencv():
    image = noise(48, 96)
    exact = cv2.resize(image.astype(np.float32), (24, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(resized(image, 12, 24) - exact).max() < 1e-3


@pytest.mark.parametrize("value", [0, 255])
def test_windows_too_large_for_the_narrow_table_are_right_all_the_same(value):
    side = int(np.sqrt(NARROW_WINDOW_PX2)) + 10
    image = np.full((2 * side, 2 * side, 3), value, dtype=np.uint8)
    assert np.abs(resized(image, 2, 2) - value).max() < 1e-3


def test_the_largest_narrow_window_is_right():
    side = int(np.sqrt(NARROW_WINDOW_PX2))
    image = np.full((side, side, 3), 255, dtype=np.uint8)
    image[..., 1] = 254
    assert resized(image, 1, 1).reshape(3) == pytest.approx([255, 254, 255], abs=1e-3)


def test_sums_that_wrap_around_do_not_show():
    image = np.full((3000, 3000, 3), 255, dtype=np.uint8)  # 2.3e9 passes 2^31
    image[2990:, 2990:] = (1, 2, 3)
    table = AreaTable(image)
    corner = np.array([[2990, 2995]]), np.array([[2995, 3000]])
    assert np.abs(table.means(corner, corner) - [1, 2, 3]).max() < 1e-3
    large = np.array([[0, 480]]), np.array([[2400, 2980]])
    assert np.abs(table.means(large, large) - 255).max() < 1e-2


def test_no_windows_no_means():
    none = np.empty((0, 24), dtype=np.int64)
    assert AreaTable(noise(5, 5)).means((none, none), (none, none)).shape == (0, 24, 24, 3)
