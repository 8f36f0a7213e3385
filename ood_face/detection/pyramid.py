"""The image pyramid, packed into tiles of one fixed size.

The P-Net sees windows of 12x12 pixels, so it scans the picture at many sizes. Running it once for
each size would bring the engine a new shape for nearly every picture: slow the first time, and
memory for each. Here every level is cut into blocks, overlapping by what one window needs, and
the blocks of all levels are packed into tiles of ``TILE_PX`` squared: the network only ever sees
that one shape.

One cell of the P-Net's answer stands for the window that begins at twice its index; blocks
therefore begin at even positions, in the level and in the tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.area import CHANNELS, AreaTable, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TILE_PX", "WINDOW_PX", "Block", "pack", "pixels_at", "planes", "scales"]

WINDOW_PX = 12
STRIDE_PX = 2
# measured on one core: smaller tiles pay more for overlaps, larger ones leave the L2 cache
TILE_PX = 192
# cells of a whole tile in one direction
TILE_CELLS = (TILE_PX - WINDOW_PX) // STRIDE_PX + 1


@dataclass(frozen=True, slots=True)
class Block:
    """A part of one pyramid level, and where it lies in the tiles; cells of the P-Net's answer.

    Attributes
    ----------
    level : index into the scales
    level_row, level_col : first cell within the level
    tile : which tile
    tile_row, tile_col : first cell within the tile
    rows, cols : size
    """

    level: int
    level_row: int
    level_col: int
    tile: int
    tile_row: int
    tile_col: int
    rows: int
    cols: int


def scales(height: int, width: int, min_face_px: float, factor: float) -> list[float]:
    """Return the pyramid's scales, largest first; empty where not even one window fits.

    Parameters
    ----------
    height, width : size of the picture
    min_face_px : face size that the first level shrinks to one window
    factor : ratio of one level to the one before
    """
    found = []
    scale = WINDOW_PX / min_face_px
    while min(height, width) * scale >= WINDOW_PX:
        found.append(scale)
        scale *= factor
    return found


def pack(table: AreaTable, level_scales: list[float]) -> tuple[NDArray[np.float32], list[Block]]:
    """Scale the picture, cut the levels into blocks and pack these into tiles, tallest first.

    Parameters
    ----------
    table : the picture
    level_scales : at least one

    Returns
    -------
    tiles : float32 array of shape (N, TILE_PX, TILE_PX, CHANNELS); what no block fills is left as
        it was
    blocks : where everything lies
    """
    sizes = [(int(table.height * s + 1), int(table.width * s + 1)) for s in level_scales]
    pieces = [piece for index, size in enumerate(sizes) for piece in _cut(index, *size)]
    pieces.sort(key=lambda piece: (-piece[3], -piece[4]))
    blocks = _shelves(pieces)
    count = 1 + max(block.tile for block in blocks)
    tiles = np.empty((count, TILE_PX, TILE_PX, CHANNELS), dtype=np.float32)
    rows_of: dict[tuple[int, int], list[Block]] = {}
    for block in blocks:
        rows_of.setdefault((block.level, block.level_row), []).append(block)
    for (level, level_row), side_by_side in rows_of.items():
        height, width = sizes[level]
        top, tall = STRIDE_PX * level_row, _side_px(side_by_side[0].rows)
        table.resized(
            windows(table.height, height, top, top + tall),
            windows(table.width, width, 0, width + width % STRIDE_PX),
            [(STRIDE_PX * block.level_col, _in_tile(tiles, block)) for block in side_by_side],
        )
    return tiles, blocks


def planes(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (..., rows, columns, CHANNELS) as a network takes it: (..., 3, rows, columns)."""
    return np.moveaxis(pixels[..., :3], -1, -3)


def pixels_at(
    tiles: NDArray[np.float32],
    tile: NDArray[np.int64],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return pixels of the tiles.

    Parameters
    ----------
    tiles : as :func:`pack` made them
    tile, rows, cols : where; together they have the shape (N, side, side)

    Returns
    -------
    float32 array of shape (N, side, side, CHANNELS)
    """
    # a pixel is looked up as one number of 16 bytes
    numbers = tiles.reshape(-1).view(np.complex128)
    found = numbers.take((tile * TILE_PX + rows) * TILE_PX + cols, mode="wrap")
    return found.view(np.float32).reshape(*found.shape, CHANNELS)


def _in_tile(tiles: NDArray[np.float32], block: Block) -> NDArray[np.float32]:
    top, left = STRIDE_PX * block.tile_row, STRIDE_PX * block.tile_col
    down = slice(top, top + _side_px(block.rows))
    return tiles[block.tile, down, left : left + _side_px(block.cols)]


def _side_px(cells: int) -> int:
    return STRIDE_PX * (cells - 1) + WINDOW_PX


def _cut(index: int, height: int, width: int) -> list[tuple[int, int, int, int, int]]:
    # (level, first row, first column, rows, columns), in cells; the last pixel of an odd side
    # counts as two, as the P-Net's pooling rounds up
    rows, cols = ((side + side % 2 - WINDOW_PX) // STRIDE_PX + 1 for side in (height, width))
    return [
        (index, row, col, min(TILE_CELLS, rows - row), min(TILE_CELLS, cols - col))
        for row in range(0, rows, TILE_CELLS)
        for col in range(0, cols, TILE_CELLS)
    ]


def _shelves(pieces: list[tuple[int, int, int, int, int]]) -> list[Block]:
    # each shelf: [tile, first row in pixels, height in pixels, used width in pixels]
    shelves: list[list[int]] = []
    used: list[int] = []
    blocks = []
    for level, row, col, rows, cols in pieces:
        tall, wide = _side_px(rows), _side_px(cols)
        shelf = next((s for s in shelves if s[2] >= tall and s[3] + wide <= TILE_PX), None)
        if shelf is None:
            tile = next((t for t, top in enumerate(used) if top + tall <= TILE_PX), len(used))
            if tile == len(used):
                used.append(0)
            shelf = [tile, used[tile], tall, 0]
            shelves.append(shelf)
            used[tile] += tall
        tile, top, _, left = shelf
        shelf[3] += wide
        at = (top // STRIDE_PX, left // STRIDE_PX)
        blocks.append(Block(level, row, col, tile, *at, rows, cols))
    return blocks
