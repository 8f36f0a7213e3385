"""Galleries of a data folder that a server may be using, looked at and left as they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ood_face.matching.index import IndexDamagedError, is_index_of
from ood_face.matching.sqlite import vectors
from ood_face.matching.sqlite.cache import owner_of
from ood_face.matching.sqlite.layout import DATABASE, INDEX_FOLDER, check_restored
from ood_face.matching.sqlite.schema import MIGRATIONS
from ood_face.storage import looking

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

__all__ = ["VERSION", "GalleryLook", "IndexState", "look_at_galleries"]

VERSION = len(MIGRATIONS)


class IndexState(StrEnum):
    """How the file of an index stands to the database."""

    IN_STEP = "in_step"
    BEHIND = "behind"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class GalleryLook:
    """What was seen of a gallery.

    Attributes
    ----------
    name, model_id : of the gallery
    templates : how many it has
    index : whether its file has just these
    """

    name: str
    model_id: str
    templates: int
    index: IndexState


def look_at_galleries(folder: Path) -> list[GalleryLook]:
    """Return what there is, by name; nothing where there is no database yet.

    Parameters
    ----------
    folder : the data folder

    Raises
    ------
    StorageCorruptError
        The database is damaged, of a newer version, or half restored from a backup.
    StorageError
        It cannot be read.
    """
    check_restored(folder)
    path = folder / DATABASE
    if not path.exists():
        return []
    with looking(path, VERSION) as connection:
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            return []  # a server is about to make the tables
        rows = connection.execute(
            "SELECT gallery, name, model_id FROM galleries WHERE name IS NOT NULL ORDER BY name"
        ).fetchall()
        return [_look(connection, folder, *row) for row in rows]


def _look(
    connection: sqlite3.Connection, folder: Path, gallery: int, name: str, model_id: str
) -> GalleryLook:
    ids = vectors.template_ids(connection, gallery)
    path = folder / INDEX_FOLDER / f"{gallery}.faiss"
    if not path.exists():
        return GalleryLook(name, model_id, len(ids), IndexState.MISSING)
    try:
        same = is_index_of(path, owner_of(gallery), ids)
    except IndexDamagedError:
        return GalleryLook(name, model_id, len(ids), IndexState.DAMAGED)
    state = IndexState.IN_STEP if same else IndexState.BEHIND
    return GalleryLook(name, model_id, len(ids), state)
