"""The P-Net's first look at a tile, on the matrix unit that some processors have (Intel AMX).

The same network through oneDNN, in bfloat16 as well, takes twice as long; the logits err by half as
much, because the pixels are centred before they are rounded. ``ood_face/native/pnet_tiles.c`` is
written for exactly this network.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.windows import fits_pnet
from ood_face.native import NativeMissingError, library

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.windows import Layer

    _Matrix = NDArray[np.uint16]

__all__ = ["TilePnet", "open_tile_pnet"]

_ALIGNMENT = 64
_NUMBERS = 5
_MIDDLE = 127.5
# of a matrix: rows of the product, columns
_DEPTH, _WIDTH = 32, 16
# cells that three convolutions and a pooling leave of a side
_LOST_PX, _LOST_CELLS = 2, 4


@dataclass(frozen=True, slots=True)
class _Aimed:
    # see ood_face.detection.compiled.Aimed; ``kept``: what the addresses point to

    answer: NDArray[np.float32]
    address: int
    kept: tuple[NDArray[np.generic], ...]

    def check(self, status: int) -> None:
        """Return: sums and products do not fail."""


class TilePnet:
    """The network, as a :class:`ood_face.ports.Session`; safe to call from several threads.

    Of its five answers the first, the logit, is computed; the box offsets are zeros.

    Parameters
    ----------
    native : the shared library
    layers : the four convolutions
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        self._native = native
        self._network = _aligned(_packed(layers))
        self._entry = native.pnet_tiles_entry()

    @contextmanager
    def aimed(self, image: NDArray[np.float32]) -> Iterator[_Aimed]:
        """See :class:`ood_face.detection.compiled.NativeNetwork`.

        Parameters
        ----------
        image : of shape (1, 3, side, side), the pixels of a contiguous (side, side, 3) array; the
            side is a multiple of 4

        Raises
        ------
        ValueError
            The array is another one.
        """
        _, _, rows, side = image.shape
        pixels = image.transpose(0, 2, 3, 1)
        fits = image.shape == (1, 3, side, side) and side % 4 == 0 and image.dtype == np.float32
        if not fits or not pixels.flags.c_contiguous:
            raise ValueError(image.dtype, image.shape, image.strides)
        cells = (rows - _LOST_PX) // 2 - _LOST_CELLS
        answer = np.zeros((1, _NUMBERS, cells, cells), np.float32)
        room = _aligned(np.empty(self._native.pnet_tiles_room(side), np.uint8))
        # as native.h and pnet_tiles.c have them
        job = np.array([image.ctypes.data, side, room.ctypes.data, answer.ctypes.data], np.int64)
        step = np.array([self._network.ctypes.data, job.ctypes.data, 1], np.int64)
        plan = np.array([self._entry, 0, step.ctypes.data, 1], np.int64)
        yield _Aimed(answer, plan.ctypes.data, (room, job, step, plan))

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Look at tiles, an array of shape (N, 3, side, side)."""
        (images,) = inputs.values()
        answers = []
        for image in np.ascontiguousarray(images.transpose(0, 2, 3, 1)):
            with self.aimed(image[None].transpose(0, 3, 1, 2)) as aimed:
                self._native.steps_run(aimed.address)
                answers.append(aimed.answer)
        return {"logits": np.concatenate(answers)}


def open_tile_pnet(layers: Sequence[Layer]) -> TilePnet | None:
    """Return the P-Net for a first look at tiles.

    Parameters
    ----------
    layers : of the P-Net

    Returns
    -------
    None: there is no native library, the processor has no such unit, or the layers are others
    """
    try:
        native = library()
    except NativeMissingError:
        return None
    if not fits_pnet(layers) or not native.matrix_usable():
        return None
    return TilePnet(native, layers)


def _packed(layers: Sequence[Layer]) -> NDArray[np.uint8]:
    # as the struct of pnet_tiles.c
    (first, *_), (second, *_), (third, *_), (fourth, *_) = layers
    matrices: list[_Matrix] = [
        *(_of_pixels(first, rows) for rows in ((0, 1), (None, 0), (2, None), (1, 2))),
        *_of_cells(second),
        *_of_cells(third),
        _matrix(fourth[:, :, 0, 0].T),
    ]
    vectors = []
    for weight, bias, slopes in layers:
        # pixels are centred, so the bias takes what that takes away
        moved = bias + _MIDDLE * weight.sum((1, 2, 3)) if weight is first else bias
        vectors += [moved] if slopes is None else [moved, slopes]
    padded = [np.pad(of, (0, -len(of) % _WIDTH)).astype(np.float32) for of in vectors]
    parts = [of.reshape(-1).view(np.uint8) for of in matrices]
    return np.concatenate([*parts, *(of.view(np.uint8) for of in padded)])


def _of_pixels(weight: NDArray[np.float32], rows: tuple[int | None, int | None]) -> _Matrix:
    # pixels lie in pairs, one below the other, four numbers each; which row of the kernel each gets
    product = np.zeros((_DEPTH // 8, 2, 4, len(weight)), np.float32)
    for place, row in enumerate(rows):
        if row is not None:
            product[:3, place, :3] = weight[:, :, row].transpose(2, 1, 0)
    return _matrix(product.reshape(_DEPTH, -1))


def _of_cells(weight: NDArray[np.float32]) -> Iterator[_Matrix]:
    # two cells of a row of the kernel, 16 numbers each, then the third; 16 filters at a time
    for row in range(3):
        for first in (0, 2):
            product = np.zeros((2, _DEPTH // 2, len(weight)), np.float32)
            cells = weight[:, :, row, first : first + 2].transpose(2, 1, 0)
            product[: len(cells), : cells.shape[1]] = cells
            for some in range(0, len(weight), _WIDTH):
                yield _matrix(product[:, :, some : some + _WIDTH].reshape(_DEPTH, -1))


def _matrix(product: NDArray[np.float32]) -> _Matrix:
    # the ``filters`` of matrix.h
    whole = np.zeros((_DEPTH, _WIDTH), np.float32)
    whole[: len(product), : product.shape[1]] = product
    return _bfloat16(whole.reshape(_DEPTH // 2, 2, _WIDTH).transpose(0, 2, 1))


def _bfloat16(values: NDArray[np.float32]) -> _Matrix:
    # the upper half of the bits, rounded to the nearest, ties to even
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def _aligned(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    room = np.empty(len(values) + _ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % _ALIGNMENT
    found = room[begin : begin + len(values)]
    found[:] = values
    return found
