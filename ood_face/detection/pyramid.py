"""The image pyramid, packed into tiles of few sizes.

The P-Net sees windows of 12x12 pixels, so it scans the picture at many sizes. Running it once for
each size would bring the engine a new shape for nearly every picture: slow the first time, and
memory for each. Here every level is cut into blocks, overlapping by what one window needs, and
the blocks of all levels are packed into square tiles, of the side of ``TILE_SIDES_PX`` that wastes
least: the network only ever sees those shapes. A network to which every shape is as good sees
strips of the levels instead (:func:`strips`), which waste less.

One cell of the P-Net's answer stands for the window that begins at twice its index; blocks
therefore begin at even positions, in the level and in the tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "BLOCK",
    "STRIDE_PX",
    "STRIP_PX",
    "TILE_SIDES_PX",
    "WIDEST_STRIP_PX",
    "WINDOW_PX",
    "Layout",
    "layout",
    "side_px",
    "strips",
]

WINDOW_PX = 12
STRIDE_PX = 2
# measured on one core: smaller tiles pay more for overlaps, larger ones leave the L2 cache; sides
# that no 16 divides take a tenth longer
TILE_SIDES_PX = (160, 192, 208)
# and of a strip: what ood_face/native/pnet_dots.c has room for; and pixels, that the caches have
WIDEST_STRIP_PX = 512
STRIP_PX = 208 * 208

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


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything lies.

    Attributes
    ----------
    scales : of the levels, largest first
    sizes_px : int64 array of shape (levels, 2): height and width of each
    tiles_px : int64 array of shape (tiles, 2): height and width of each tile
    tiles : for each tile its blocks, an array of ``BLOCK``
    """

    scales: tuple[float, ...]
    sizes_px: NDArray[np.int64]
    tiles_px: NDArray[np.int64]
    tiles: tuple[NDArray[np.void], ...]

    @cached_property
    def blocks(self) -> NDArray[np.void]:
        """Of all tiles, behind each other."""
        return np.concatenate(self.tiles)

    @cached_property
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
    scales, sizes = _levels(height, width, min_face_px, factor)
    packed = {side: _packed(sizes, side) for side in TILE_SIDES_PX}
    tile_px = min(packed, key=lambda side: side * side * len(packed[side]))
    tiles_px = [(tile_px, tile_px)] * len(packed[tile_px])
    return _laid_out(scales, sizes, tiles_px, packed[tile_px])


@lru_cache(maxsize=64)
def strips(height: int, width: int, min_face_px: float, factor: float) -> Layout:
    """Choose the levels, and cut them into strips of about the same size, each a tile.

    Parameters
    ----------
    height, width, min_face_px, factor : see :func:`layout`
    """
    scales, sizes = _levels(height, width, min_face_px, factor)
    tiles_px: list[tuple[int, int]] = []
    tiles: list[list[tuple[int, ...]]] = []
    for index, size in enumerate(sizes):
        rows, cols = _cells(size)
        for left, right in _parts(cols, _most_cells(WIDEST_STRIP_PX)):
            wide = side_px(right - left)
            for top, bottom in _parts(rows, _most_cells(max(STRIP_PX // wide, 2 * WINDOW_PX))):
                tiles_px.append((side_px(bottom - top), wide))
                tiles.append([(index, *size, top, left, 0, 0, bottom - top, right - left)])
    return _laid_out(scales, sizes, tiles_px, tiles)


def side_px(cells: int) -> int:
    """Return how many pixels so many cells in a row stand for."""
    return STRIDE_PX * (cells - 1) + WINDOW_PX


def _levels(
    height: int, width: int, min_face_px: float, factor: float
) -> tuple[list[float], list[tuple[int, int]]]:
    # scales and sizes
    scales = []
    scale = WINDOW_PX / min_face_px
    while min(height, width) * scale >= WINDOW_PX:
        scales.append(scale)
        scale *= factor
    return scales, [(int(height * s + 1), int(width * s + 1)) for s in scales]


def _laid_out(
    scales: list[float],
    sizes: list[tuple[int, int]],
    tiles_px: list[tuple[int, int]],
    tiles: list[list[tuple[int, ...]]],
) -> Layout:
    sizes_px, shapes_px = (np.array(of, dtype=np.int64).reshape(-1, 2) for of in (sizes, tiles_px))
    blocks = tuple(np.array(of, dtype=BLOCK) for of in tiles)
    return Layout(tuple(scales), sizes_px, shapes_px, blocks)


def _cells(size: tuple[int, int]) -> tuple[int, int]:
    # of a level; the last pixel of an odd side counts as two, as the P-Net's pooling rounds up
    rows, cols = (_most_cells(side + side % 2) for side in size)
    return rows, cols


def _most_cells(px: int) -> int:
    return (px - WINDOW_PX) // STRIDE_PX + 1


def _parts(cells: int, most: int) -> Iterator[tuple[int, int]]:
    # (begin, end) of as few parts as can be, none larger than that, all about as large
    count = -(-cells // most)
    return pairwise(part * cells // count for part in range(count + 1))


def _packed(sizes: list[tuple[int, int]], tile_px: int) -> list[list[tuple[int, ...]]]:
    # the blocks of each tile, tallest first
    cells = _most_cells(tile_px)
    pieces = [piece for index, size in enumerate(sizes) for piece in _cut(index, *size, cells)]
    pieces.sort(key=lambda piece: (-piece[3], -piece[4]))
    return _shelves(pieces, sizes, tile_px)


def _cut(index: int, height: int, width: int, most: int) -> list[tuple[int, int, int, int, int]]:
    # (level, first row, first column, rows, columns), in cells
    rows, cols = _cells((height, width))
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
