"""Pictures from files and from stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.errors import ImageDecodeError, ImageTooLargeError
from ood_face.imaging import decode

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.types import RgbImage

__all__ = ["STDIN", "read_picture"]

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
    return decode(data, max_bytes=limit, max_pixels=settings.max_image_pixels)
