"""Ordinary WebPs by OpenCV.

Pillow decodes every WebP as if it were an animation, on canvases of four bytes a pixel that it
copies several times: twice as long and 2.6 times as much memory at 12 megapixels, to the same
pixels (tests/benchmark/README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ordinary_webp"]

_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
# OpenCV looks at no shorter file
_LEAST_BYTES = 32


def ordinary_webp(data: bytes) -> NDArray[np.uint8] | None:
    """Decode a WebP of a single picture that has neither transparency nor anything unusual.

    Parameters
    ----------
    data : a file with one chunk, ``VP8`` or ``VP8L``, whose size was checked; others are left

    Returns
    -------
    uint8 array of shape (H, W, 3), RGB; None: damaged or unusual, nothing is known of it
    """
    if len(data) < _LEAST_BYTES or not _has_sound_header(data):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _has_sound_header(data: bytes) -> bool:
    # what libwebp asks of it; OpenCV would write to the standard error of one that is broken
    kind, length, body = data[12:16], int.from_bytes(data[16:20], "little"), data[20:25]
    if kind == b"VP8 ":
        bits = int.from_bytes(body[:3], "little")
        is_inter_frame, profile, is_shown, first_part_bytes = (
            bits & 1,
            bits >> 1 & 7,
            bits >> 4 & 1,
            bits >> 5,
        )
        return not is_inter_frame and profile <= 3 and is_shown == 1 and first_part_bytes < length
    # the last four bits: whether there is transparency, and the version
    return kind == b"VP8L" and body[0] == 0x2F and not body[4] >> 4
