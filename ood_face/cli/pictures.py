"""Pictures from files and from stdin."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.errors import ImageDecodeError, ImageTooLargeError
from ood_face.imaging import decode
from ood_face.types import Picture

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.types import RgbImage

__all__ = ["STDIN", "read_hashed_picture", "read_picture"]

STDIN = "-"


def read_picture(name: str, settings: Settings) -> RgbImage:
    """Read and decode one picture.

    Parameters
    ----------
    name : path of a file; ``-``: stdin
    settings : the limits on pictures

    Raises
    ------
    ImageDecodeError
        There is no such file, or it is no picture.
    ImageTooLargeError
        It exceeds a limit.
    """
    return _decoded(_read(name, settings), settings)


def read_hashed_picture(name: str, settings: Settings) -> Picture:
    """Read and decode one picture, and keep what tells it from others; see :func:`read_picture`."""
    data = _read(name, settings)
    return Picture(_decoded(data, settings), hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, settings: Settings) -> RgbImage:
    return decode(data, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels)


def _read(name: str, settings: Settings) -> bytes:
    limit = settings.max_image_bytes
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(limit + 1)
    except (OSError, ValueError) as exc:  # ValueError: a zero byte in the name
        raise ImageDecodeError(
            "file.unreadable",
            "cannot be read: {problem}",
            problem=getattr(exc, "strerror", None) or str(exc),
        ) from exc
    if len(data) > limit:
        raise ImageTooLargeError(
            "file.too_many_bytes", "the picture has more than {limit} bytes", limit=limit
        )
    return data
