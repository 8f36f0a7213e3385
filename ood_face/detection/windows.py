"""The P-Net on single windows in native code, where the processor has 16 floats in a register.

The first look at the pyramid leaves some hundred windows, and the P-Net decides on each in float32.
Through oneDNN that takes two and a half times as long; the answers differ by float32's rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.native import library_if_there

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PNET_SHAPES", "Layer", "WindowPnet", "are_of", "open_window_pnet"]

_LANES = 16
_NUMBERS = 5
# filters, channels, kernel: the layers that the native code is written for
PNET_SHAPES = ((10, 3, 3, 3), (16, 10, 3, 3), (32, 16, 3, 3), (5, 32, 1, 1))

# of a convolution: weight (filters, channels, rows, columns), bias (filters,), PReLU slopes or None
Layer = tuple["NDArray[np.float32]", "NDArray[np.float32]", "NDArray[np.float32] | None"]


class WindowPnet:
    """The network; safe to use from several threads.

    Parameters
    ----------
    native : the shared library
    layers : the four convolutions
    """

    def __init__(self, native: ctypes.CDLL, layers: Sequence[Layer]) -> None:
        self._native = native
        # as the struct of pnet.c: tap by tap, all filters of a tap together, filters padded
        parts = []
        for weight, bias, slopes in layers:
            taps = weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
            rows = [taps, bias[None]] if slopes is None else [taps, bias[None], slopes[None]]
            parts += [np.pad(row, ((0, 0), (0, -len(weight) % _LANES))).reshape(-1) for row in rows]
        self._weights = np.concatenate(parts, dtype=np.float32)

    def answers(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logit and box offsets of windows.

        Parameters
        ----------
        pixels : contiguous float32 array of shape (N, 12, 12, 3), 0..255

        Returns
        -------
        float32 array of shape (N, 5)

        Raises
        ------
        ValueError
            The array is another one.
        """
        fits = pixels.shape[1:] == (WINDOW_PX, WINDOW_PX, 3) and pixels.dtype == np.float32
        if not fits or not pixels.flags.c_contiguous:
            raise ValueError(pixels.dtype, pixels.shape, pixels.strides)
        answers = np.empty((len(pixels), _NUMBERS), dtype=np.float32)
        given = (self._weights.ctypes.data, pixels.ctypes.data, len(pixels))
        self._native.pnet_windows(*given, answers.ctypes.data)
        return answers


def open_window_pnet(layers: Sequence[Layer]) -> WindowPnet | None:
    """Return the P-Net for single windows.

    Parameters
    ----------
    layers : of the P-Net

    Returns
    -------
    None: there is no native library, the processor cannot, or the layers are not a P-Net's
    """
    native = library_if_there()
    if native is None or not are_of(layers, PNET_SHAPES) or not native.pnet_usable():
        return None
    return WindowPnet(native, layers)


def are_of(layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]]) -> bool:
    """Return whether layers have these shapes, and a PReLU behind each but the last."""
    bent = [slopes is not None for _, _, slopes in layers]
    found = tuple(weight.shape for weight, _, _ in layers)
    return found == tuple(shapes) and bent == [True] * (len(bent) - 1) + [False]
