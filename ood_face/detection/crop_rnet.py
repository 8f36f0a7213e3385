"""The R-Net's first look at crops, on the matrix unit (:mod:`ood_face.detection.matrix`).

``ood_face/native/rnet_crops.c`` is written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.exact_rnet import RNET_SHAPES, RNET_SIDE_PX
from ood_face.detection.matrix import aligned_room, in_memory, of_pixels, of_rows, products, unit
from ood_face.detection.native_network import OwnAimed, OwnNetwork, pixels_of
from ood_face.detection.registers import are_of

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.detection.registers import Layer

__all__ = ["CropRnet", "open_crop_rnet"]

_NUMBERS = 5
# what a cell has after the first and the second convolution
_CHANNELS = (32, 48)


class CropRnet(OwnNetwork):
    """The network, as a :class:`ood_face.ports.Session` and in native loops.

    Parameters
    ----------
    native : the shared library
    layers : the three convolutions and the two products
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        first, second, third, fourth, fifth = (weight for weight, _, _ in layers)
        matrices = [
            *of_pixels(first),
            *of_rows(second, _CHANNELS[0]),
            *of_rows(third, _CHANNELS[1]),
            *products(fourth.transpose(2, 3, 1, 0).reshape(-1, len(fourth))),
            *products(fifth[:, :, 0, 0].T),
        ]
        super().__init__(native, native.rnet_crops_entry(), in_memory(layers, matrices))

    def aim(self, image: NDArray[np.float32]) -> OwnAimed:
        """See :class:`ood_face.detection.native_network.Runner`.

        Parameters
        ----------
        image : of shape (N, 3, 24, 24), the pixels (0..255) of a contiguous float32 array of shape
            (N, 24, 24, 3)

        Raises
        ------
        ValueError
            The array is another one.
        """
        pixels = pixels_of(image, RNET_SIDE_PX)
        answer = np.empty((len(pixels), _NUMBERS), np.float32)
        room = aligned_room(self._native.rnet_crops_room())
        return self._aimed(pixels, len(pixels), answer, room)


def open_crop_rnet(layers: Sequence[Layer]) -> CropRnet | None:
    """Return the R-Net for a first look at crops.

    Parameters
    ----------
    layers : of the R-Net

    Returns
    -------
    None: see :func:`ood_face.detection.matrix.unit`; or the layers are others
    """
    native = unit()
    return CropRnet(native, layers) if native is not None and are_of(layers, RNET_SHAPES) else None
