"""The P-Net's first look at a tile, on the matrix unit (:mod:`ood_face.detection.matrix`).

The same network through oneDNN, in bfloat16 as well, takes twice as long; the logits err a third
less, because the pixels are centred before they are rounded. ``ood_face/native/pnet_tiles.c`` is
written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.matrix import in_memory, of_pixels, of_rows, products, unit
from ood_face.detection.native_network import LogitsNetwork, OwnAimed, aligned_room
from ood_face.detection.registers import made_for
from ood_face.detection.windows import PNET_SHAPES

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

__all__ = ["TilePnet", "open_tile_pnet"]

_CHANNELS = 16
# cells that three convolutions and a pooling leave of a side
_LOST_PX, _LOST_CELLS = 2, 4


class TilePnet(LogitsNetwork):
    """The network, as a :class:`ood_face.ports.Session` and in native loops.

    Parameters
    ----------
    native : the shared library
    layers : the four convolutions
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        first, second, third, fourth = (weight for weight, _, _ in layers)
        # of a row of three cells, two make a step, and the third one half of one
        matrices = [
            *of_pixels(first),
            *of_rows(second, _CHANNELS),
            *of_rows(third, _CHANNELS),
            *products(fourth[:, :, 0, 0].T),
        ]
        super().__init__(native, native.pnet_tiles_entry(), in_memory(layers, matrices))

    def aim(self, image: NDArray[np.float32]) -> OwnAimed:
        """See :class:`ood_face.detection.native_network.Runner`.

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
        answer = np.empty((1, 1, cells, cells), np.float32)
        room = aligned_room(self._native.pnet_tiles_room(side))
        return self._aimed(pixels, (side, side), answer, room)


def open_tile_pnet(layers: Sequence[Layer]) -> TilePnet | None:
    """Return the P-Net for a first look at tiles, or None.

    See :func:`ood_face.detection.matrix.unit`, :func:`ood_face.detection.registers.made_for`.
    """
    return made_for(TilePnet, unit(), layers, PNET_SHAPES)
