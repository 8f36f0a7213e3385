"""The image pyramid, packed into tiles of few sizes.

The P-Net sees windows of 12x12 pixels, so it scans the picture at many sizes. Running it once for
each size would bring the engine a new shape for nearly every picture: slow the first time, and
memory for each. Here every level is cut into blocks, overlapping by what one window needs, and
the blocks of all levels are packed into square tiles, of the side of ``TILE_SIDES_PX`` that wastes
least: the network only ever sees those shapes.

One cell of the P-Net's answer stands for the window that begins at twice its index; blocks
therefore begin at even positions, in the level and in the tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK", "STRIDE_PX", "TILE_SIDES_PX", "WINDOW_PX", "Layout", "layout", "side_px"]

WINDOW_PX = 12
STRIDE_PX = 2
# measured on one core: smaller tiles pay more for overlaps, larger ones leave the L2 cache; sides
# that no 16 divides take a tenth longer
TILE_SIDES_PX = (160, 192, 208)

# A part of one level, and where it lies in its tile: in cells of the P-Net's answer, but for the
# size of the whole level, in pixels. ood_face/native/loops.c has the same.
BLOCK = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("level", "height_px", "width_px", "level_row", "level_col"),
            *("tile_row", "tile_col", "rows", "cols"),
        )
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where everything lies.

    Attributes
    ----------
    scales : of the levels, largest first
    sizes_px : int64 array of shape (levels, 2): height and width of each
    tile_px : side of a tile
    tiles : for each tile its blocks, an array of ``BLOCK``
    """

    scales: tuple[float, ...]
    sizes_px: NDArray[np.int64]
    tile_px: int
    tiles: tuple[NDArray[np.void], ...]

    @property
    def blocks(self) -> NDArray[np.void]:
        """Of all tiles, behind each other."""
        return np.concatenate(self.tiles)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each tile's blocks end among those, int64 array of shape (tiles,)."""
        return np.cumsum([len(tile) for tile in self.tiles], dtype=np.int64)


@lru_cache(maxsize=64)
def layout(height: int, width: int, min_face_px: float, factor: float) -> Layout:
    """Choose the levels, cut them into blocks and pack these into tiles, tallest first.

    Parameters
    ----------
    height, width : size of the picture
    min_face_px : face size that the first level shrinks to one window
    factor : ratio of one level to the one before
    """
    scales = []
    scale = WINDOW_PX / min_face_px
    while min(height, width) * scale >= WINDOW_PX:
        scales.append(scale)
        scale *= factor
    sizes = [(int(height * s + 1), int(width * s + 1)) for s in scales]
    packed = {side: _packed(sizes, side) for side in TILE_SIDES_PX}
    tile_px = min(packed, key=lambda side: side * side * len(packed[side]))
    sizes_px = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    tiles = tuple(np.array(blocks, dtype=BLOCK) for blocks in packed[tile_px])
    return Layout(tuple(scales), sizes_px, tile_px, tiles)


def side_px(cells: int) -> int:
    """Return how many pixels so many cells in a row stand for."""
    return STRIDE_PX * (cells - 1) + WINDOW_PX


def _packed(sizes: list[tuple[int, int]], tile_px: int) -> list[list[tuple[int, ...]]]:
    # the blocks of each tile, tallest first
    cells = (tile_px - WINDOW_PX) // STRIDE_PX + 1
    pieces = [piece for index, size in enumerate(sizes) for piece in _cut(index, *size, cells)]
    pieces.sort(key=lambda piece: (-piece[3], -piece[4]))
    return _shelves(pieces, sizes, tile_px)


def _cut(index: int, height: int, width: int, most: int) -> list[tuple[int, int, int, int, int]]:
    # (level, first row, first column, rows, columns), in cells; the last pixel of an odd side
    # counts as two, as the P-Net's pooling rounds up
    rows, cols = ((side + side % 2 - WINDOW_PX) // STRIDE_PX + 1 for side in (height, width))
    return [
        (index, row, col, min(most, rows - row), min(most, cols - col))
        for row in range(0, rows, most)
        for col in range(0, cols, most)
    ]


def _shelves(
    pieces: list[tuple[int, int, int, int, int]], sizes: list[tuple[int, int]], tile_px: int
) -> list[list[tuple[int, ...]]]:
    # the blocks of each tile; each shelf: [tile, first row, height, used width], in pixels
    shelves: list[list[int]] = []
    used: list[int] = []
    tiles: list[list[tuple[int, ...]]] = []
    for level, row, col, rows, cols in pieces:
        tall, wide = side_px(rows), side_px(cols)
        shelf = next((s for s in shelves if s[2] >= tall and s[3] + wide <= tile_px), None)
        if shelf is None:
            tile = next((t for t, top in enumerate(used) if top + tall <= tile_px), len(used))
            if tile == len(used):
                used.append(0)
                tiles.append([])
            shelf = [tile, used[tile], tall, 0]
            shelves.append(shelf)
            used[tile] += tall
        tile, top, _, left = shelf
        shelf[3] += wide
        at = (top // STRIDE_PX, left // STRIDE_PX)
        tiles[tile].append((level, *sizes[level], row, col, *at, rows, cols))
    return tiles
