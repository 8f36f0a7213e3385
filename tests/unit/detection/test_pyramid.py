from __future__ import annotations

import numpy as np
import pytest

from ood_face.detection.area import CHANNELS, AreaTable, windows
from ood_face.detection.pyramid import (
    STRIDE_PX,
    TILE_PX,
    WINDOW_PX,
    pack,
    pixels_at,
    planes,
    scales,
)


def test_the_scales_end_where_no_window_fits():
    found = scales(100, 300, 20, 0.709)
    assert found[0] == pytest.approx(0.6)
    assert np.allclose(np.divide(found[1:], found[:-1]), 0.709)
    assert 100 * found[-1] >= WINDOW_PX > 100 * found[-1] * 0.709


def test_too_small_a_picture_has_no_scale():
    assert scales(19, 300, 20, 0.709) == []
    assert len(scales(20, 300, 20, 0.709)) == 1


@pytest.mark.parametrize("size", [(20, 20), (61, 33), (480, 640), (701, 293), (24, 1280)])
def test_every_cell_of_every_level_lies_in_exactly_one_block(size):
    table = AreaTable(np.zeros((*size, 3), dtype=np.uint8))
    level_scales = scales(*size, 20, 0.709)
    _, blocks = pack(table, level_scales)
    for level, scale in enumerate(level_scales):
        # what the P-Net answers for a picture of this size: valid 3x3, pooling rounded up, 3x3, 3x3
        sides = [int(side * scale + 1) for side in size]
        rows, cols = ((side - 2 + 1) // 2 - 4 for side in sides)
        seen = np.zeros((rows, cols), dtype=int)
        for block in blocks:
            if block.level == level:
                down = slice(block.level_row, block.level_row + block.rows)
                across = slice(block.level_col, block.level_col + block.cols)
                assert seen[down, across].shape == (block.rows, block.cols)
                seen[down, across] += 1
        assert (seen == 1).all()


@pytest.mark.parametrize("size", [(61, 33), (480, 640), (701, 293)])
def test_blocks_never_overlap_in_their_tile_and_hold_their_level(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    table = AreaTable(image)
    level_scales = scales(*size, 20, 0.709)
    tiles, blocks = pack(table, level_scales)
    taken = np.zeros((len(tiles), TILE_PX, TILE_PX), dtype=int)
    for block in blocks:
        tall, wide = (STRIDE_PX * (n - 1) + WINDOW_PX for n in (block.rows, block.cols))
        top, left = STRIDE_PX * block.tile_row, STRIDE_PX * block.tile_col
        taken[block.tile, top : top + tall, left : left + wide] += 1
        height, width = (int(side * level_scales[block.level] + 1) for side in size)
        pixels = np.empty((height, width, CHANNELS), dtype=np.float32)
        table.resized(windows(size[0], height), windows(size[1], width), [(0, pixels)])
        whole = pixels[..., :3].transpose(2, 0, 1)
        y, x = STRIDE_PX * block.level_row, STRIDE_PX * block.level_col
        part = whole[:, y : y + tall, x : x + wide]
        packed = planes(tiles)[block.tile, :, top : top + tall, left : left + wide]
        assert np.array_equal(packed[:, : part.shape[1], : part.shape[2]], part)
    assert taken.max() == 1


def test_pixels_of_the_tiles_are_found_by_tile_row_and_column():
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    tiles, _ = pack(AreaTable(image), scales(480, 640, 20, 0.709))
    side = np.arange(5)
    tile = np.array([0, len(tiles) - 1, 1])
    rows = np.array([0, 3, TILE_PX - 5])[:, None, None] + side[:, None]
    cols = np.array([7, 0, 100])[:, None, None] + side
    found = pixels_at(tiles, tile[:, None, None], rows, cols)
    assert found.shape == (3, 5, 5, CHANNELS)
    for index, where in enumerate(tile):
        expected = tiles[where][rows[index], cols[index]]
        assert np.array_equal(found[index], expected)


def test_the_number_of_tiles_stays_near_what_the_pixels_need():
    table = AreaTable(np.zeros((720, 1280, 3), dtype=np.uint8))
    level_scales = scales(720, 1280, 36, 0.709)
    tiles, _ = pack(table, level_scales)
    pixels = sum(720 * scale * 1280 * scale for scale in level_scales)
    assert len(tiles) * TILE_PX**2 < 1.5 * pixels
