"""What the browser sends: picture files as base64 inside the request, checked and decoded."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.errors import ImageDecodeError, InputError
from ood_face.imaging import decode

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.service import WorkFeed
    from ood_face.types import RgbImage

__all__ = ["MAX_EXTRACT_FILES", "Limits", "Upload", "read_uploads"]

MAX_EXTRACT_FILES = 20
_MAX_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the page takes.

    Attributes
    ----------
    max_bytes, max_pixels : of one picture
    max_files, max_total_bytes : of one picker
    """

    max_bytes: int
    max_pixels: int
    max_files: int
    max_total_bytes: int

    @classmethod
    def of(cls, settings: Settings, max_files: int) -> Limits:
        """Return the limits of a picker that takes up to ``max_files`` pictures."""
        # the API's limit on a request body leaves room for two pictures
        return cls(
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            max_files=max_files,
            max_total_bytes=min(max_files, 2) * settings.max_image_bytes,
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came."""

    name: str
    data: bytes

    def image(self, limits: Limits, work: WorkFeed) -> RgbImage:
        """Decode the file within the limits; ``work`` is told how long it took."""
        with work.stage("decode"):
            return decode(self.data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)


def read_uploads(payload: object, limits: Limits) -> list[Upload]:
    """Read a picker's value.

    Parameters
    ----------
    payload : list of ``{"name": str, "data": base64}``, or None where nothing was chosen
    limits : of the picker

    Raises
    ------
    InputError
        The value has another form, or holds too many files.
    """
    if payload is None:
        return []
    if not isinstance(payload, list):
        raise _unreadable()
    if len(payload) > limits.max_files:
        raise InputError(
            "page.too_many_files",
            "{count} files were sent, the limit is {limit}",
            count=len(payload),
            limit=limits.max_files,
        )
    return [_read_one(entry) for entry in payload]


def _read_one(entry: object) -> Upload:
    match entry:
        case {"name": str(name), "data": str(encoded)}:
            pass
        case _:
            raise _unreadable()
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _unreadable() from exc
    return Upload(name[:_MAX_NAME_LENGTH], data)


def _unreadable() -> ImageDecodeError:
    return ImageDecodeError("page.upload", "the browser sent no readable file")
