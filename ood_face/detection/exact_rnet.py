"""The R-Net's decision on crops in native code, where the processor has 16 floats in a register.

The first look leaves a dozen crops of a hundred, for which a library's convolutions are not made;
the answers differ by float32's rounding. ``ood_face/native/rnet.c`` is written for exactly this
network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.detection.registers import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.detection.registers import Layer, RegisterNetwork

__all__ = ["RNET_SHAPES", "RNET_SIDE_PX", "open_exact_rnet"]

RNET_SIDE_PX = 24
# filters, channels, kernel: the layers that the native code is written for
RNET_SHAPES = ((28, 3, 3, 3), (48, 28, 3, 3), (64, 48, 2, 2), (128, 64, 3, 3), (5, 128, 1, 1))


def open_exact_rnet(layers: Sequence[Layer]) -> RegisterNetwork | None:
    """Return the R-Net for some crops; see :func:`ood_face.detection.registers.opened`."""
    return opened("rnet_entry", layers, RNET_SHAPES, RNET_SIDE_PX)
