"""Convolutions of 3x3 in bfloat16 that the native library computes by Winograd's filtering.

A tile of 4x4 numbers and a filter are each brought into 16 others, whose products are brought back
into 2x2 results: 16 products instead of 36 (Lavin and Gray, arXiv 1509.09308, F(2x2, 3x3)). Beside
the weights, what a tile is brought into is rounded to bfloat16, too: the backbone's outputs err by
a quarter more than those of oneDNN's own convolutions. ``ood_face/native/winograd.c`` computes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import library, library_if_there
from ood_face.native.bfloat16 import bfloat16_bits
from ood_face.runtime.onednn.descriptors import in_order
from ood_face.runtime.onednn.rows import shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Convolution

__all__ = ["Piece", "Pointer", "Winograd", "fits", "packed", "parts", "usable"]

# channels, a register of them; or filters, two registers of their sums
_TOGETHER = 32
_SIDE, _TILE = 3, 2
# what brings a filter of three into four numbers, and one of 3x3 into 16
_BRINGS_LINE = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
_BRINGS = np.kron(_BRINGS_LINE, _BRINGS_LINE)


def usable() -> bool:
    """Whether this is faster here: the processor multiplies bfloat16, without a matrix unit."""
    native = library_if_there()
    return bool(native and native.winograd_usable() and not native.matrix_usable())


def fits(step: Convolution) -> bool:
    """Whether the native code is written for such a convolution."""
    filters, channels, *kernel = step.weight.shape
    return (
        (*kernel, *step.strides, *step.padding) == (_SIDE, _SIDE, 1, 1, 1, 1)
        and filters % _TOGETHER == channels % _TOGETHER == 0
        and step.slopes is None
    )


def packed(weight: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return filters as the native code has them.

    Parameters
    ----------
    weight : of shape (filters, channels, 3, 3)
    """
    filters, channels = (side // _TOGETHER for side in weight.shape[:2])
    # not a product of matrices, for which OpenBLAS would start threads
    points = bfloat16_bits(np.einsum("np,qp->nq", weight.reshape(-1, _SIDE**2), _BRINGS))
    pairs = _TOGETHER // 2
    # of the channels of a register, the even ones lie before the odd ones
    apart = points.reshape(filters, _TOGETHER, channels, pairs, 2, -1).transpose(0, 5, 2, 4, 3, 1)
    together = apart.reshape(filters, -1, channels, pairs, 2, _TOGETHER).swapaxes(-1, -2)
    return np.ascontiguousarray(together)


def parts(rows: int, count: int) -> Iterator[tuple[int, int]]:
    """Divide rows into parts of whole tiles: (first, behind the last)."""
    for first, behind in shares(-(-rows // _TILE), count):
        yield _TILE * first, min(rows, _TILE * behind)


class Pointer:
    """An address that native code reads."""

    def __init__(self, struct: NDArray[np.int64], index: int) -> None:
        self._struct, self._index = struct, index

    def move(self, address: int) -> None:
        """Let it point elsewhere."""
        self._struct[self._index] = address


class Piece:
    """Some rows of what a convolution gives.

    Attributes
    ----------
    source, added, target : where these lie; nothing is added until that is somewhere
    room : where the native code may work
    """

    def __init__(self, pictures: int, rows: tuple[int, int]) -> None:
        # as winograd.c has it
        self._struct = np.array([0, 0, 0, 0, pictures, *rows], np.int64)
        self.source, self.added, self.target, self.room = (
            Pointer(self._struct, index) for index in range(4)
        )

    @property
    def address(self) -> int:
        """Where the native code finds it."""
        return int(self._struct.ctypes.data)


class Winograd:
    """A convolution for pictures of one size.

    Parameters
    ----------
    step : that fits
    filters : its weights, see :func:`packed`
    shape : of the source: pictures, channels, rows, columns

    Attributes
    ----------
    entry : address of the function that computes it
    room_bytes : working memory of a piece
    """

    def __init__(
        self, step: Convolution, filters: NDArray[np.uint16], shape: tuple[int, int, int, int]
    ) -> None:
        self._pictures, channels, self._rows, columns = shape
        self._kept = filters, in_order(step.bias)
        addresses = (each.ctypes.data for each in self._kept)
        sizes = channels, len(step.weight), self._rows, columns
        # as winograd.c has it
        self._struct = np.array([*addresses, *sizes, step.relu], np.int64)
        native = library()
        self.entry = int(native.winograd_entry())
        self.room_bytes = int(native.winograd_room(channels, columns))

    @property
    def address(self) -> int:
        """Where the native code finds it."""
        return int(self._struct.ctypes.data)

    def pieces(self, count: int) -> list[Piece]:
        """Divide it into so many, or fewer if it has fewer rows; each gives the same bits."""
        return [Piece(self._pictures, rows) for rows in parts(self._rows, count)]
