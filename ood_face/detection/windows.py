"""The P-Net on single windows in native code, where the processor has 16 floats in a register.

The first look at the pyramid leaves some hundred windows, and the P-Net decides on each in float32.
Through oneDNN that takes two and a half times as long; the answers differ by float32's rounding.
``ood_face/native/pnet.c`` is written for exactly this network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.detection.pyramid import WINDOW_PX
from ood_face.detection.registers import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.detection.registers import Layer, RegisterNetwork

__all__ = ["PNET_SHAPES", "open_window_pnet"]

# filters, channels, kernel: the layers that the native code is written for
PNET_SHAPES = ((10, 3, 3, 3), (16, 10, 3, 3), (32, 16, 3, 3), (5, 32, 1, 1))


def open_window_pnet(layers: Sequence[Layer]) -> RegisterNetwork | None:
    """Return the P-Net for single windows; see :func:`ood_face.detection.registers.opened`."""
    return opened("pnet_windows_entry", layers, PNET_SHAPES, WINDOW_PX)
