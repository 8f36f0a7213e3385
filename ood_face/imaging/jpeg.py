"""Ordinary JPEGs by libjpeg-turbo, straight into the array that is returned.

Pillow decodes with the same library to the same pixels, into four bytes each, and copies them
twice on the way to an array, with Python's lock held: 2.3 times as long at 640x480, four times at
12 megapixels (tests/benchmark/README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["ordinary_jpeg"]

# of these libjpeg-turbo makes RGB as Pillow does; CMYK is left to Pillow
_COLOURS = {"Gray", "YCbCr", "RGB"}


def ordinary_jpeg(
    data: bytes, check_size: Callable[[tuple[int, int]], None]
) -> NDArray[np.uint8] | None:
    """Decode a JPEG that has nothing unusual.

    Parameters
    ----------
    data : the file
    check_size : is told width and height before anything is decoded, and may raise

    Returns
    -------
    uint8 array of shape (H, W, 3), RGB; None: damaged or unusual, nothing is known of it
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    if colours not in _COLOURS:
        return None
    check_size((width, height))
    pixels = np.empty((height, width, 3), np.uint8)
    try:
        simplejpeg.decode_jpeg(data, buffer=pixels)
    except ValueError:
        return None
    return pixels
