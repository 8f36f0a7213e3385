"""EXIF orientation: which way up the camera was held, and turning the picture upright."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["UPRIGHT", "read_orientation", "turn_upright"]

UPRIGHT = 1

_EXIF_PREFIX = b"Exif\x00\x00"
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_TIFF_MAGIC = 42
_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4

# TIFF 6.0, tag 274: what undoes each orientation
_TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.generic]]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.flip(cv2.transpose(image), -1),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def read_orientation(exif: bytes) -> int:
    """Return the orientation 1..8 of an EXIF block; 1 where it is absent or unreadable.

    A damaged EXIF block does not make the picture unreadable, so nothing is raised.

    Parameters
    ----------
    exif : a TIFF header and its directory, with or without the ``Exif`` prefix of JPEG
    """
    tiff = exif.removeprefix(_EXIF_PREFIX)
    order = _BYTE_ORDERS.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        magic, directory = struct.unpack_from(f"{order}HI", tiff, 2)
        if magic != _TIFF_MAGIC:
            return UPRIGHT
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(entries):
            entry = directory + 2 + 12 * index
            tag, kind, _count = struct.unpack_from(f"{order}HHI", tiff, entry)
            if tag == _ORIENTATION_TAG and kind in (_SHORT, _LONG):
                layout = "H" if kind == _SHORT else "I"
                (value,) = struct.unpack_from(f"{order}{layout}", tiff, entry + 8)
                return int(value) if value in _TURNS else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def turn_upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a picture stored with an EXIF orientation the way it is meant to be seen.

    Parameters
    ----------
    image : uint8 array of shape (H, W, 3)
    orientation : 1..8; 1 returns the picture itself

    Returns
    -------
    uint8 array of shape (H, W, 3), or (W, H, 3) for orientations 5 to 8
    """
    if orientation == UPRIGHT:
        return image
    return np.ascontiguousarray(_TURNS[orientation](image), dtype=np.uint8)
