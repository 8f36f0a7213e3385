"""The R-Net's first look at crops, on the matrix unit (:mod:`ood_face.detection.matrix`).

``ood_face/native/rnet_crops.c`` is written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.matrix import aligned_room, in_memory, of_pixels, of_rows, products, unit
from ood_face.detection.windows import are_of

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.windows import Layer

__all__ = ["CropRnet", "open_crop_rnet"]

_SIDE_PX = 24
_NUMBERS = 5
# what a cell has after the first and the second convolution
_CHANNELS = (32, 48)
# filters, channels, kernel: the layers that the native code is written for
_SHAPES = ((28, 3, 3, 3), (48, 28, 3, 3), (64, 48, 2, 2), (128, 64, 3, 3), (5, 128, 1, 1))


class CropRnet:
    """The network, as a :class:`ood_face.ports.Session`; safe to call from several threads.

    Parameters
    ----------
    native : the shared library
    layers : the three convolutions and the two products
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        self._native = native
        first, second, third, fourth, fifth = (weight for weight, _, _ in layers)
        matrices = [
            *of_pixels(first),
            *of_rows(second, _CHANNELS[0]),
            *of_rows(third, _CHANNELS[1]),
            *products(fourth.transpose(2, 3, 1, 0).reshape(-1, len(fourth))),
            *products(fifth[:, :, 0, 0].T),
        ]
        self._network = in_memory(layers, matrices)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Look at crops.

        Parameters
        ----------
        inputs : one, of shape (N, 3, 24, 24), the pixels (0..255) of a contiguous float32 array
            of shape (N, 24, 24, 3)

        Returns
        -------
        answers, of shape (N, 5): logit and box offsets

        Raises
        ------
        ValueError
            The array is another one.
        """
        (image,) = inputs.values()
        pixels = image.transpose(0, 2, 3, 1)
        fits = pixels.shape[1:] == (_SIDE_PX, _SIDE_PX, 3) and pixels.dtype == np.float32
        if not fits or not pixels.flags.c_contiguous:
            raise ValueError(image.dtype, image.shape, image.strides)
        answers = np.empty((len(pixels), _NUMBERS), dtype=np.float32)
        room = aligned_room(self._native.rnet_crops_room())
        given = (self._network.ctypes.data, pixels.ctypes.data, len(pixels), room.ctypes.data)
        self._native.rnet_crops(*given, answers.ctypes.data)
        return {"answers": answers}


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
    return CropRnet(native, layers) if native is not None and are_of(layers, _SHAPES) else None
