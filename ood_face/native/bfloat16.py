"""Numbers in bfloat16, as native code reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["bfloat16_bits"]


def bfloat16_bits(values: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Return the upper half of float32's bits, rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
