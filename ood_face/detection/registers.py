"""Networks made ready for registers of 16 floats (AVX-512), in float32.

As the structs of ``ood_face/native`` have them: layer by layer, tap by tap, all filters of a tap
together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ood_face.detection.native_network import SquaresNetwork
from ood_face.native import library_if_there

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Layer", "RegisterNetwork", "made_for", "opened"]

_LANES = 16
_Network = TypeVar("_Network")

# of a convolution: weight (filters, channels, rows, columns), bias (filters,), PReLU slopes or None
Layer = tuple["NDArray[np.float32]", "NDArray[np.float32]", "NDArray[np.float32] | None"]


class RegisterNetwork(SquaresNetwork):
    """A network that looks at windows or crops, each by itself.

    Parameters
    ----------
    native : the shared library
    entry : address of the function in it that runs the network
    layers : of the network
    side_px : of a window
    """

    def __init__(
        self, native: ctypes.CDLL, entry: int, layers: Sequence[Layer], side_px: int
    ) -> None:
        parts = []
        for weight, bias, slopes in layers:
            taps = weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
            rows = [taps, bias[None]] if slopes is None else [taps, bias[None], slopes[None]]
            parts += [np.pad(row, ((0, 0), (0, -len(weight) % _LANES))).reshape(-1) for row in rows]
        super().__init__(native, entry, np.concatenate(parts, dtype=np.float32), side_px)


def opened(
    entry: str, layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]], side_px: int
) -> RegisterNetwork | None:
    """Return a network whose native code is there.

    Parameters
    ----------
    entry : name of the native function that gives the address of the network's code
    layers : of the network
    shapes : of the layers that the code is written for
    side_px : of what it looks at

    Returns
    -------
    None: there is no native library, the processor has no such registers, or the layers are others
    """
    native = library_if_there()
    if native is None or not native.registers_usable() or not _are_of(layers, shapes):
        return None
    return RegisterNetwork(native, getattr(native, entry)(), layers, side_px)


def made_for(
    kind: Callable[[ctypes.CDLL, Sequence[Layer]], _Network],
    native: ctypes.CDLL | None,
    layers: Sequence[Layer],
    shapes: Sequence[tuple[int, ...]],
) -> _Network | None:
    """Return a network that native code is written for.

    Parameters
    ----------
    kind : of network
    native : the library, if it can run here
    layers : of the network
    shapes : of the layers that the code is written for

    Returns
    -------
    None: it cannot run here, or the layers are others
    """
    return kind(native, layers) if native is not None and _are_of(layers, shapes) else None


def _are_of(layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]]) -> bool:
    """Return whether layers have these shapes, and a PReLU behind each but the last."""
    bent = [slopes is not None for _, _, slopes in layers]
    found = tuple(weight.shape for weight, _, _ in layers)
    return found == tuple(shapes) and bent == [True] * (len(bent) - 1) + [False]
