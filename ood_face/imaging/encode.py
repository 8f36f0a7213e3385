"""Pixels to the bytes of a picture file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["encode_png"]


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file, which loses nothing.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
