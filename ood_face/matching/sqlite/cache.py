"""The index of one gallery, kept in step with the tables, and its file."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import OodFaceError, StorageError
from ood_face.matching.index import GalleryIndex, IndexDamagedError
from ood_face.matching.sqlite import vectors
from ood_face.storage import file_errors, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.storage import Database
    from ood_face.types import NewTemplate

__all__ = ["Change", "IndexCache", "owner_of"]

_log = logging.getLogger(__name__)

_CHUNK = 8192


@dataclass
class Change:
    """What a transaction does to the templates of a gallery.

    Attributes
    ----------
    added : templates by id
    removed : ids
    """

    added: dict[int, NewTemplate] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)


class IndexCache:
    """The index of one gallery: loaded when it is first needed, changed with every commit.

    Safe to call from several threads. Who changes templates commits inside :meth:`changing` or,
    where something goes, inside :meth:`erasing`.

    Parameters
    ----------
    database : the truth
    gallery : its number, which no other gallery ever has
    path : the file; its folder is there
    compress_above : see :class:`ood_face.matching.index.GalleryIndex`
    """

    def __init__(self, database: Database, gallery: int, path: Path, compress_above: int) -> None:
        self._database = database
        self._gallery = gallery
        self._path = path
        self._compress_above = compress_above
        self._index: GalleryIndex | None = None
        # taken in this order
        self._filing = threading.RLock()
        self._changing = threading.RLock()
        self._changed_at: float | None = None
        self._unsaved_since: float | None = None

    @property
    def unsaved(self) -> tuple[float, float] | None:
        """When the oldest and the newest change were that the file lacks (monotonic seconds)."""
        since, last = self._unsaved_since, self._changed_at
        return None if since is None or last is None else (since, last)

    def index(self) -> GalleryIndex:
        """Return the index; it is loaded, or made, if it was not yet."""
        index = self._index
        if index is not None:
            return index
        with self._filing:
            if self._index is not None:
                return self._index
            index = self._loaded()
            if index is None:
                index = self._built()
            # most of what is missing is added while others may still write, the rest while not
            stale = self._catch_up(index)
            with self._changing:
                stale |= self._catch_up(index)
                self._index = index
            if stale:
                self._forget_file()
            return index

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Note what is changed, commit in the block; then the index has it, too."""
        change = Change()
        with self._changing:
            yield change
            if self._index is not None:
                self._apply(self._index, change)
            if change.added or change.removed:
                self._note()

    @contextmanager
    def erasing(self) -> Iterator[Change]:
        """As :meth:`changing`; and no file of the index has what was removed, from now on."""
        with self._filing:
            if self._index is None and self._path.exists():
                # so that what stays need not be indexed again by the next process
                self.index()
            self._forget_file()
            with self.changing() as change:
                yield change

    def save(self) -> bool:
        """Write the file if there is something new; False: it could not be written."""
        with self._filing:
            index, before = self._index, self.unsaved
            if index is None or before is None:
                self._unsaved_since = None
                return True
            try:
                index.save(self._path, owner_of(self._gallery))
            except (MemoryError, RuntimeError, StorageError) as exc:
                _log.warning("the index of a gallery was not saved: %s", exc)
                return False
            with self._changing:
                # what was changed meanwhile is saved the next time
                self._unsaved_since = None if self.unsaved == before else time.monotonic()
            return True

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Commit in the block that the gallery is deleted; index and file go, for good."""
        with self._filing, self._changing:
            self._forget_file()
            yield
            self._index = None
            self._unsaved_since = None

    def _loaded(self) -> GalleryIndex | None:
        began = time.monotonic()
        try:
            index = GalleryIndex.load(
                self._path, owner_of(self._gallery), self._fetch, self._compress_above
            )
        except IndexDamagedError as exc:
            if self._path.exists():
                _log.warning("%s", exc)
            return None
        _log.info("index of %d templates loaded in %.1f s", len(index), time.monotonic() - began)
        return index

    def _built(self) -> GalleryIndex:
        began = time.monotonic()
        index = GalleryIndex.build(self._chunks(), self._fetch, self._compress_above)
        if len(index):
            _log.info("index of %d templates made in %.1f s", len(index), time.monotonic() - began)
            self._note()
        return index

    def _catch_up(self, index: GalleryIndex) -> bool:
        # templates never change and their ids are not used again: two sets of ids say it all
        with self._database.reading() as connection:
            there = vectors.template_ids(connection, self._gallery)
        known = index.ids()
        gone = np.setdiff1d(known, there, assume_unique=True)
        new = np.setdiff1d(there, known, assume_unique=True)
        if len(gone):
            index.remove(gone)
        for start in range(0, len(new), _CHUNK):
            ids = new[start : start + _CHUNK]
            features = self._fetch(ids)
            present = ~np.isnan(features[:, 0])
            index.add(ids[present], features[present])
        if len(gone) or len(new):
            _log.info("index caught up: %d templates more, %d less", len(new), len(gone))
            self._note()
        return bool(len(gone))

    def _apply(self, index: GalleryIndex, change: Change) -> None:
        # the commit has happened: an index that cannot follow is made again from the truth
        try:
            if change.removed:
                index.remove(np.array(change.removed, np.int64))
            if change.added:
                ids = np.fromiter(change.added, np.int64, len(change.added))
                index.add(ids, np.stack([t.feature for t in change.added.values()]))
        except (MemoryError, OodFaceError, RuntimeError):
            _log.exception("the index of a gallery could not follow a change; it is made again")
            self._index = None

    def _note(self) -> None:
        self._changed_at = time.monotonic()
        if self._unsaved_since is None:
            self._unsaved_since = self._changed_at

    def _forget_file(self) -> None:
        with file_errors(self._path):
            if self._path.exists():
                self._path.unlink()
                sync_folder(self._path.parent)
                self._note()

    def _chunks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        # in small transactions: a long one would keep the write-ahead log from being emptied
        last = 0
        while True:
            with self._database.reading() as connection:
                ids, features = vectors.next_features(connection, self._gallery, last, _CHUNK)
            if not len(ids):
                return
            yield ids, features
            last = int(ids[-1])

    def _fetch(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._database.reading() as connection:
            return vectors.features(connection, ids)


def owner_of(gallery: int) -> str:
    """Return whom the index of a gallery belongs to, as its file says."""
    return f"gallery {gallery}"
