from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection.pyramid import (
    BLOCK,
    STRIDE_PX,
    STRIP_PX,
    TILE_SIDES_PX,
    WIDEST_STRIP_PX,
    WINDOW_PX,
    layout,
    side_px,
    strips,
)

SIZES = [(20, 20), (61, 33), (480, 640), (701, 293), (24, 1280)]
either = pytest.mark.parametrize("cut", [layout, strips])


def in_pixels(block):
    """Where a block lies in its tile: slices of rows and of columns."""
    return tuple(
        slice(STRIDE_PX * int(block[at]), STRIDE_PX * int(block[at]) + side_px(int(block[count])))
        for at, count in (("tile_row", "rows"), ("tile_col", "cols"))
    )


def test_the_scales_end_where_no_window_fits():
    found = layout(100, 300, 20, 0.709).scales
    assert found[0] == pytest.approx(0.6)
    assert np.allclose(np.divide(found[1:], found[:-1]), 0.709)
    assert 100 * found[-1] >= WINDOW_PX > 100 * found[-1] * 0.709


@either
def test_too_small_a_picture_has_no_scale_and_no_tile(cut):
    empty = cut(19, 300, 20, 0.709)
    assert empty.scales == ()
    assert empty.tiles == ()
    assert empty.sizes_px.shape == empty.tiles_px.shape == (0, 2)
    one = cut(20, 300, 20, 0.709)
    assert len(one.scales) == len(one.sizes_px) == 1


@either
@pytest.mark.parametrize("size", SIZES)
def test_a_level_has_the_size_of_its_scale(cut, size):
    levels = cut(*size, 20, 0.709)
    assert len(levels.scales) == len(levels.sizes_px)
    for scale, sides in zip(levels.scales, levels.sizes_px, strict=True):
        assert sides.tolist() == [int(side * scale + 1) for side in size]
    for blocks in levels.tiles:
        assert blocks.dtype == BLOCK
        for block in blocks:
            sides = levels.sizes_px[block["level"]].tolist()
            assert [block["height_px"], block["width_px"]] == sides


@either
@pytest.mark.parametrize("size", SIZES)
def test_every_cell_of_every_level_lies_in_exactly_one_block(cut, size):
    levels = cut(*size, 20, 0.709)
    for level, sides in enumerate(levels.sizes_px):
        # what the P-Net answers for a picture of this size: valid 3x3, pooling rounded up, 3x3, 3x3
        rows, cols = ((int(side) - 2 + 1) // 2 - 4 for side in sides)
        seen = np.zeros((rows, cols), dtype=int)
        for block in np.concatenate(levels.tiles):
            if block["level"] == level:
                down = slice(block["level_row"], block["level_row"] + block["rows"])
                across = slice(block["level_col"], block["level_col"] + block["cols"])
                assert seen[down, across].shape == (block["rows"], block["cols"])
                seen[down, across] += 1
        assert (seen == 1).all()


@either
@pytest.mark.parametrize("min_face_px", [12, 20, 33.3])
@pytest.mark.parametrize("size", SIZES)
def test_blocks_lie_inside_their_tile_and_never_overlap(cut, size, min_face_px):
    levels = cut(*size, min_face_px, 0.709)
    for blocks, tile_px in zip(levels.tiles, levels.tiles_px, strict=True):
        taken = np.zeros(tile_px, dtype=int)
        assert len(blocks)
        for block in blocks:
            rows, cols = in_pixels(block)
            assert rows.stop <= tile_px[0]
            assert cols.stop <= tile_px[1]
            taken[rows, cols] += 1
        assert taken.max() == 1


def test_what_cells_stand_for_ends_with_the_last_ones_window():
    assert side_px(1) == WINDOW_PX
    for cells in (2, 7, 91):
        assert side_px(cells) - side_px(cells - 1) == STRIDE_PX


def test_a_tile_has_one_of_few_sides_and_each_is_the_best_for_some_picture():
    sides = {
        side
        for height in range(60, 720, 60)
        for width in range(60, 1280, 60)
        for side in layout(height, width, 24, 0.709).tiles_px.flat
    }
    assert sides == set(TILE_SIDES_PX)


@pytest.mark.parametrize("size", [(720, 1280), (360, 640), (1000, 400)])
def test_the_tiles_stay_near_what_the_pixels_need(size):
    levels = layout(*size, 36, 0.709)
    pixels = int(levels.sizes_px.prod(axis=1).sum())
    assert pixels < levels.tiles_px.prod(axis=1).sum() < 1.5 * pixels


@pytest.mark.parametrize("size", [(720, 1280), (360, 640), (1000, 400), (90, 9000)])
def test_strips_waste_less_and_none_is_larger_than_the_caches_and_the_native_code_take(size):
    cut, packed = strips(*size, 20, 0.709), layout(*size, 20, 0.709)
    taken = cut.tiles_px.prod(axis=1)
    pixels = int(cut.sizes_px.prod(axis=1).sum())
    assert pixels < taken.sum() < 1.15 * pixels
    assert taken.sum() < packed.tiles_px.prod(axis=1).sum()
    assert taken.max() <= STRIP_PX
    assert cut.tiles_px[:, 1].max() <= WIDEST_STRIP_PX
    assert (cut.tiles_px % 2 == 0).all()
