"""The P-Net's first look at a tile, on the matrix unit (:mod:`ood_face.detection.matrix`).

The same network through oneDNN, in bfloat16 as well, takes twice as long; the logits err a third
less, because the pixels are centred before they are rounded. ``ood_face/native/pnet_tiles.c`` is
written for exactly this network.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.matrix import aligned_room, in_memory, of_pixels, of_rows, products, unit
from ood_face.detection.windows import PNET_SHAPES, are_of

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.windows import Layer

__all__ = ["TilePnet", "open_tile_pnet"]

_NUMBERS = 5
_CHANNELS = 16
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
        first, second, third, fourth = (weight for weight, _, _ in layers)
        # of a row of three cells, two make a step, and the third one half of one
        matrices = [
            *of_pixels(first),
            *of_rows(second, _CHANNELS),
            *of_rows(third, _CHANNELS),
            *products(fourth[:, :, 0, 0].T),
        ]
        self._network = in_memory(layers, matrices)
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
        room = aligned_room(self._native.pnet_tiles_room(side))
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
    None: see :func:`ood_face.detection.matrix.unit`; or the layers are others
    """
    native = unit()
    return TilePnet(native, layers) if native is not None and are_of(layers, PNET_SHAPES) else None
