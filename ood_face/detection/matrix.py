"""Networks made ready for the matrix unit that some processors have (Intel AMX), in bfloat16.

As ``ood_face/native/matrix.h`` wants them: a convolution is a product of matrices, whose left one
is the picture as it lies in memory.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.native_network import aligned_room
from ood_face.native import library_if_there
from ood_face.native.bfloat16 import bfloat16_bits

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

    Matrix = NDArray[np.uint16]

__all__ = ["in_memory", "of_pixels", "of_rows", "products", "unit"]

# pixels are centred before they are rounded
_MIDDLE = 127.5
# of a matrix: rows, columns
_DEPTH, _WIDTH = 32, 16


def unit() -> ctypes.CDLL | None:
    """Return the native library; None: it is not there, or the processor has no such unit."""
    native = library_if_there()
    return native if native is not None and native.matrix_usable() else None


def in_memory(layers: Sequence[Layer], matrices: Sequence[Matrix]) -> NDArray[np.uint8]:
    """Return a network as the structs of the native code have it.

    Parameters
    ----------
    layers : the first one sees the pixels
    matrices : of all layers

    Returns
    -------
    the matrices, then bias and slopes of every layer
    """
    vectors = []
    for index, (weight, bias, slopes) in enumerate(layers):
        moved = bias + _MIDDLE * weight.sum((1, 2, 3)) if index == 0 else bias
        vectors += [moved] if slopes is None else [moved, slopes]
    padded = [np.pad(of, (0, -len(of) % _WIDTH)).astype(np.float32) for of in vectors]
    parts = [of.reshape(-1).view(np.uint8) for of in matrices]
    whole = np.concatenate([*parts, *(of.view(np.uint8) for of in padded)])
    network = aligned_room(len(whole))
    network[:] = whole
    return network


def of_pixels(weight: NDArray[np.float32]) -> Iterator[Matrix]:
    """Give the matrices of a 3x3 convolution over pixels, which lie in pairs of rows.

    Of the four steps the first and the third make an even row of the result, from the pair and
    from the next one; the second and the fourth make the odd row.
    """
    for rows in ((0, 1), (None, 0), (2, None), (1, 2)):
        product = np.zeros((_DEPTH // 8, 2, 4, len(weight)), np.float32)
        for place, row in enumerate(rows):
            if row is not None:
                product[:3, place, :3] = weight[:, :, row].transpose(2, 1, 0)
        yield from products(product.reshape(_DEPTH, -1))


def of_rows(weight: NDArray[np.float32], channels: int) -> Iterator[Matrix]:
    """Give the matrices of a convolution over cells of so many numbers, a row of it at a time."""
    filters, given, rows, cols = weight.shape
    for row in range(rows):
        line = np.zeros((cols, channels, filters), np.float32)
        line[:, :given] = weight[:, :, row].transpose(2, 1, 0)
        yield from products(line.reshape(cols * channels, filters))


def products(line: NDArray[np.float32]) -> Iterator[Matrix]:
    """Cut a matrix of shape (numbers, filters) into those of the unit: ``filters`` of matrix.h."""
    depth, width = (
        -(-side // step) * step for side, step in zip(line.shape, (_DEPTH, _WIDTH), strict=True)
    )
    whole = np.pad(line, ((0, depth - len(line)), (0, width - line.shape[1])))
    for top, bottom in pairwise(range(0, depth + 1, _DEPTH)):
        for left, right in pairwise(range(0, width + 1, _WIDTH)):
            part = whole[top:bottom, left:right]
            yield bfloat16_bits(part.reshape(_DEPTH // 2, 2, _WIDTH).transpose(0, 2, 1))
