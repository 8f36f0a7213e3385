"""The loops over pixels and windows in C and in NumPy say the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.interpreted import NumpyLoops
from ood_face.detection.loops import loops
from ood_face.detection.pyramid import BLOCK, STRIDE_PX, WINDOW_PX, layout, side_px
from tests.fakes.native import compiled

pytestmark = compiled

SIZES = [(12, 12), (12, 900), (13, 37), (211, 12), (61, 33), (481, 640), (700, 900), (899, 701)]


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pictures(image):
    """Return the same picture for both."""
    return CompiledLoops().picture(image), NumpyLoops().picture(image)


def filled(image, min_face_px):
    """Return all tiles of a picture's pyramid, as both fill them."""
    levels = layout(*image.shape[:2], min_face_px, 0.709)
    answers = []
    for picture in pictures(image):
        side = levels.tiles_px.max(initial=0)
        tiles = np.full((len(levels.tiles), side, side, 3), -7, np.float32)
        for blocks, tile in zip(levels.tiles, tiles, strict=True):
            picture.fill(blocks, tile)
        answers.append(tiles)
    return answers


def slices_of(height, width, count, seed=0):
    """Return parts of a picture, at random and at its edges, none empty."""
    rng = np.random.default_rng(seed)
    low = rng.integers(0, (width, height), (count, 2))
    high = rng.integers(low, (width, height)) + 1
    edges = [
        [0, 0, width, height],
        [0, 0, 1, 1],
        [width - 1, height - 1, width, height],
        [0, height - 1, width, height],
        [width - 1, 0, width, height],
    ]
    return np.concatenate([np.concatenate([low, high], axis=1), edges]).astype(np.int64)


def windows_of(levels, count, seed=0):
    """Return single windows of a pyramid, at random and the last of every level."""
    rng = np.random.default_rng(seed)
    level = np.concatenate(
        [np.arange(len(levels.scales)), rng.integers(len(levels.scales), size=count)]
    )
    last = (levels.sizes_px + levels.sizes_px % 2 - WINDOW_PX)[level] // STRIDE_PX
    cell = np.concatenate(
        [last[: len(levels.scales)], rng.integers(0, last[len(levels.scales) :] + 1)]
    )
    return np.concatenate([level[:, None], cell], axis=1).astype(np.int64)


def same(ours, numpys):
    """Whether two arrays are the same, bit for bit."""
    alike = ours.shape == numpys.shape and ours.dtype == numpys.dtype
    return alike and ours.tobytes() == numpys.tobytes()


def test_where_they_were_compiled_they_are_taken():
    assert isinstance(loops(), CompiledLoops)
    assert loops() is loops()


@pytest.mark.parametrize("min_face_px", [12, 20, 31.7])
@pytest.mark.parametrize("size", SIZES)
def test_tiles_are_filled_alike(size, min_face_px):
    ours, numpys = filled(noise(*size), min_face_px)
    assert same(ours, numpys)
    # and written where a block lies, nowhere else
    levels = layout(*size, min_face_px, 0.709)
    free = np.ones(ours.shape[:3], dtype=bool)
    for blocks, tile in zip(levels.tiles, free, strict=True):
        for block in blocks:
            top, left = STRIDE_PX * int(block["tile_row"]), STRIDE_PX * int(block["tile_col"])
            tall, wide = side_px(int(block["rows"])), side_px(int(block["cols"]))
            tile[top : top + tall, left : left + wide] = False
    assert (ours[free] == -7).all()
    assert (ours[~free] >= 0).all()


@settings(max_examples=60)
@given(st.integers(12, 260), st.integers(12, 260), st.floats(12, 60), st.integers(0, 99))
def test_tiles_of_any_picture_are_filled_alike(height, width, min_face_px, seed):
    assert same(*filled(noise(height, width, seed), min_face_px))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", [0, 255])
def test_tiles_of_one_colour_have_it_everywhere(size, value):
    ours, numpys = filled(np.full((*size, 3), value, dtype=np.uint8), 12)
    assert same(ours, numpys)
    assert np.abs(ours[ours != -7] - value).max(initial=0) < 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_single_windows_are_seen_alike_and_as_in_their_tile(size):
    image, levels = noise(*size), layout(*size, 12, 0.709)
    windows = windows_of(levels, 300)
    ours, numpys = (of.look(levels.sizes_px, windows) for of in pictures(image))
    assert ours.shape == (len(windows), WINDOW_PX, WINDOW_PX, 3)
    assert same(ours, numpys)
    block = np.array([(0, *levels.sizes_px[0], 0, 0, 0, 0, 1, 1)], dtype=BLOCK)
    tile = np.zeros((WINDOW_PX, WINDOW_PX, 3), dtype=np.float32)
    picture = CompiledLoops().picture(image)
    for (level, row, col), seen in zip(windows[:40], ours, strict=False):
        block["level"], block["level_row"], block["level_col"] = level, row, col
        block["height_px"], block["width_px"] = levels.sizes_px[level]
        picture.fill(block, tile)
        assert same(seen, tile)


@pytest.mark.parametrize("side_px", [1, 24, 48])
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), *SIZES])
def test_crops_are_cut_out_alike(size, side_px):
    slices = slices_of(*size, 200)
    ours, numpys = (of.crops(slices, side_px) for of in pictures(noise(*size)))
    assert ours.shape == (len(slices), side_px, side_px, 3)
    assert same(ours, numpys)


@settings(max_examples=100)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 60), st.integers(0, 99))
def test_crops_of_any_picture_are_cut_out_alike(height, width, side_px, seed):
    slices = slices_of(height, width, 8, seed)
    assert same(*(of.crops(slices, side_px) for of in pictures(noise(height, width, seed))))


@pytest.mark.parametrize("rows", [256, 257, 258, 259, 513, 514, 515, 1500])
@pytest.mark.parametrize("side_px", [1, 2])
def test_windows_of_more_rows_than_16_bits_hold_are_right(rows, side_px):
    # the brightest there is, so that a sum that did not fit would show
    image = np.full((side_px * rows, 40, 3), 255, dtype=np.uint8)
    image[..., 1] = noise(*image.shape[:2])[..., 1]
    slices = np.array([[0, 0, 40, side_px * rows], [3, 0, 4, side_px * rows]], dtype=np.int64)
    ours, numpys = (of.crops(slices, side_px) for of in pictures(image))
    assert same(ours, numpys)
    assert np.abs(ours[..., 0] - 255).max() < 1e-2
    mean = image[:, :, 1].reshape(side_px, rows, 40).mean(axis=1)
    assert np.abs(ours[1, :, 0, 1] - mean[:, 3]).max() < 1e-2


def test_crops_of_single_pixels_are_those_pixels():
    image = noise(9, 14)
    corners = np.stack(np.meshgrid(np.arange(14), np.arange(9)), axis=-1).reshape(-1, 2)
    slices = np.concatenate([corners, corners + 1], axis=1).astype(np.int64)
    for picture in pictures(image):
        crops = picture.crops(slices, 3)
        assert (crops == image.reshape(-1, 1, 1, 3)).all()


def test_nothing_asked_for_nothing_made():
    levels = layout(60, 60, 20, 0.709)
    for picture in pictures(noise(60, 60)):
        assert picture.crops(np.empty((0, 4), np.int64), 24).shape == (0, 24, 24, 3)
        none = picture.look(levels.sizes_px, np.empty((0, 3), np.int64))
        assert none.shape == (0, WINDOW_PX, WINDOW_PX, 3)


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[:, ::-1],
        lambda image: image[::-1],
        lambda image: image[..., ::-1],
        lambda image: image[5:-7, 11:-3],
        lambda image: image[::2, ::3],
        lambda image: image.transpose(1, 0, 2),
        np.asfortranarray,
    ],
    ids=["mirrored", "upside down", "bgr", "a part", "strided", "turned", "fortran"],
)
def test_a_picture_may_lie_in_any_way_and_is_never_written_to(view):
    image = noise(120, 150)
    before = image.copy()
    image.flags.writeable = False
    shown = view(image)
    slices = slices_of(*shown.shape[:2], 60)
    ours, numpys = (of.crops(slices, 24) for of in pictures(shown))
    assert same(ours, numpys)
    assert same(ours, CompiledLoops().picture(shown.copy(order="C")).crops(slices, 24))
    assert same(*filled(shown, 12))
    assert same(image, before)


def test_slices_and_windows_may_lie_in_any_way():
    image, levels = noise(90, 130), layout(90, 130, 12, 0.709)
    slices, windows = slices_of(90, 130, 50), windows_of(levels, 50)
    for picture in pictures(image):
        apart, turned = slices[::3], windows[::-1]
        assert same(picture.crops(apart, 24), picture.crops(apart.copy(), 24))
        seen, expected = (picture.look(levels.sizes_px, of) for of in (turned, turned.copy()))
        assert same(seen, expected)
        assert same(picture.crops(np.asfortranarray(slices), 24), picture.crops(slices, 24))
