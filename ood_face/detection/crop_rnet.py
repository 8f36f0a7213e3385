"""The R-Net's first look at crops, on the matrix unit (:mod:`ood_face.detection.matrix`).

``ood_face/native/rnet_crops.c`` is written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.detection.exact_rnet import RNET_SHAPES, RNET_SIDE_PX
from ood_face.detection.matrix import in_memory, of_pixels, of_rows, products, unit
from ood_face.detection.native_network import SquaresNetwork
from ood_face.detection.registers import made_for

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from ood_face.detection.registers import Layer

__all__ = ["CropRnet", "open_crop_rnet"]

# what a cell has after the first and the second convolution
_CHANNELS = (32, 48)


class CropRnet(SquaresNetwork):
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
        network = in_memory(layers, matrices)
        room_bytes = native.rnet_crops_room()
        super().__init__(native, native.rnet_crops_entry(), network, RNET_SIDE_PX, room_bytes)


def open_crop_rnet(layers: Sequence[Layer]) -> CropRnet | None:
    """Return the R-Net for a first look at crops, or None.

    See :func:`ood_face.detection.matrix.unit`, :func:`ood_face.detection.registers.made_for`.
    """
    return made_for(CropRnet, unit(), layers, RNET_SHAPES)
