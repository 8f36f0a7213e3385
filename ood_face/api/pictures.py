"""Pictures of a request, decoded within the limits; an error names the field it is about."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ood_face.errors import ImageTooLargeError, InputError
from ood_face.imaging import decode
from ood_face.types import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fastapi import Request

    from ood_face.config import Settings
    from ood_face.service import WorkFeed
    from ood_face.types import RgbImage

__all__ = [
    "MAX_PICTURES",
    "PictureReader",
    "about_field",
    "about_pictures",
    "check_count",
    "decode_all",
    "decode_field",
]

# of one subject in one request: as many as a gallery may keep
MAX_PICTURES = 20
# pixels of all of them together, in pictures of the largest size: what a comparison holds
_LARGEST_AT_ONCE = 2


def decode_field(
    request: Request, field: str, data: bytes, settings: Settings, work: WorkFeed
) -> RgbImage:
    """Decode one picture; an error is about its field, and ``work`` is told how long it took."""
    with about_field(request, field):
        return _decode(data, settings, work)


class PictureReader:
    """Decodes the pictures of one subject; an error says which one it is about.

    Parameters
    ----------
    settings : the limits on pictures
    work : is told how long each takes
    """

    def __init__(self, settings: Settings, work: WorkFeed) -> None:
        self._settings = settings
        self._work = work
        self._limit_px = _LARGEST_AT_ONCE * settings.max_image_pixels
        self._total_px = 0

    def read(self, index: int, load: Callable[[], bytes]) -> Picture:
        """Return a picture.

        Parameters
        ----------
        index : its place, from 0
        load : returns its bytes

        Raises
        ------
        InputError
            The bytes cannot be had.
        ImageDecodeError
            They are no picture.
        ImageTooLargeError
            It exceeds the limits, or all pictures together have too many pixels.
        """
        try:
            data = load()
            image = _decode(data, self._settings, self._work)
            self._total_px += image.shape[0] * image.shape[1]
            if self._total_px > self._limit_px:
                raise ImageTooLargeError(
                    "request.many_pixels",
                    "the pictures of a subject have more than {limit} pixels together; send them "
                    "in several requests",
                    limit=self._limit_px,
                )
        except InputError as exc:
            exc.picture = index
            raise
        return Picture(image, hashlib.sha256(data).hexdigest())


def check_count(count: int) -> None:
    """Raise InputError unless one request may bring so many pictures of a subject."""
    if count > MAX_PICTURES:
        raise InputError(
            "request.many_pictures",
            "one request brings up to {limit} pictures of a subject, this has {got}",
            limit=MAX_PICTURES,
            got=count,
        )


def decode_all(sent: Sequence[bytes], settings: Settings, work: WorkFeed) -> tuple[Picture, ...]:
    """Decode the pictures of one subject; see :class:`PictureReader`.

    Raises
    ------
    InputError
        There are too many.
    """
    check_count(len(sent))
    reader = PictureReader(settings, work)
    return tuple(reader.read(i, partial(bytes, data)) for i, data in enumerate(sent))


@contextmanager
def about_field(request: Request, field: str) -> Iterator[None]:
    """Let the answer to an error say that it is about a field."""
    try:
        yield
    except InputError:
        request.state.field = field
        raise


@contextmanager
def about_pictures(request: Request, field: str, count: int) -> Iterator[None]:
    """Let the answer to an error name the picture it is about: ``image``, or ``image[1]``.

    Parameters
    ----------
    request : being answered
    field : the pictures' name
    count : how many were sent
    """
    try:
        yield
    except InputError as exc:
        if exc.picture is not None:
            request.state.field = field if count == 1 else f"{field}[{exc.picture}]"
        raise


def _decode(data: bytes, settings: Settings, work: WorkFeed) -> RgbImage:
    with work.stage("decode"):
        return decode(
            data, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
        )
