"""Galleries opened for one command, and closed when it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import open_galleries, open_gallery_records, open_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.config import Settings
    from ood_face.service import FaceService, GalleryRecords, GalleryService

__all__ = ["GalleryName", "opened_galleries", "opened_records"]

GalleryName = Annotated[str, typer.Argument(metavar="GALLERY", help="Name of the gallery.")]


@contextmanager
def opened_galleries(settings: Settings) -> Iterator[tuple[FaceService, GalleryService]]:
    """Lend the galleries and the model that embeds their faces."""
    faces = open_service(settings)
    galleries = open_galleries(settings, faces)
    try:
        yield faces, galleries
    finally:
        galleries.close()


@contextmanager
def opened_records(settings: Settings) -> Iterator[GalleryRecords]:
    """Lend what is enrolled; no model is loaded."""
    records = open_gallery_records(settings)
    try:
        yield records
    finally:
        records.close()
