"""The galleries of one folder."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ood_face.matching.refusals import check_version, duplicate_gallery
from ood_face.matching.sqlite import reading, writing
from ood_face.matching.sqlite.cache import IndexCache
from ood_face.matching.sqlite.erasing import Eraser
from ood_face.matching.sqlite.gallery import Core, SqliteGallery
from ood_face.matching.sqlite.keeper import Keeper
from ood_face.matching.sqlite.layout import DATABASE, INDEX_FOLDER, LOCK, check_restored
from ood_face.matching.sqlite.schema import MIGRATIONS, PAGE_SIZE
from ood_face.storage import Database, FolderLock, file_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ood_face.types import GalleryInfo

__all__ = ["SqliteGalleryStore"]


def _now() -> int:
    return time.time_ns() // 1000


class SqliteGalleryStore:
    """Galleries in a folder: ``galleries.sqlite`` is the truth, ``index/`` can be made again.

    See :class:`ood_face.ports.GalleryStore`. One process at a time may have the folder.

    Parameters
    ----------
    folder : where the files are; made where it is not there
    compress_above : a gallery with more templates is searched through a compressed index
    save_after_s : an index is saved when it has not changed for so long
    now : returns the time in microseconds since 1970

    Raises
    ------
    StorageLockedError
        Another process has the folder; names that process.
    StorageCorruptError
        The database is damaged, or of a newer version.
    StorageError
        The folder cannot be read or written.
    """

    def __init__(
        self,
        folder: Path,
        compress_above: int = 100_000,
        save_after_s: float = 5.0,
        now: Callable[[], int] = _now,
    ) -> None:
        self._index_folder = folder / INDEX_FOLDER
        self._compress_above = compress_above
        with ExitStack() as opened:
            lock = FolderLock(folder / LOCK)
            opened.callback(lock.close)
            check_restored(folder)
            self._database = Database(folder / DATABASE, MIGRATIONS, page_size=PAGE_SIZE)
            opened.callback(self._database.close)
            self._prepare_index_folder()
            eraser = Eraser(self._database)
            opened.pop_all()
        self._lock = lock
        self._closed = False
        self._core = Core(self._database, eraser, now)
        self._caches: dict[int, IndexCache] = {}
        self._caches_lock = threading.Lock()
        self._keeper = Keeper(self._all_caches, eraser, save_after_s)

    def create(self, info: GalleryInfo) -> SqliteGallery:
        """Make a new gallery; the ``version`` of ``info`` is replaced by the store's."""
        with self._database.writing() as connection:
            if any(known.name == info.name for known in reading.all_galleries(connection)):
                raise duplicate_gallery(info.name)
            stamp = writing.tick(connection, self._core.now())
            writing.insert_gallery(connection, replace(info, version=stamp.number))
        return self._gallery(stamp.number, info.name)

    def open(self, name: str) -> SqliteGallery:
        """Return a gallery."""
        with self._database.reading() as connection:
            number, _ = reading.gallery_by_name(connection, name)
        return self._gallery(number, name)

    def galleries(self) -> list[GalleryInfo]:
        """Return all galleries by name."""
        with self._database.reading() as connection:
            return reading.all_galleries(connection)

    def update(self, info: GalleryInfo, if_version: int | None = None) -> GalleryInfo:
        """Replace scenario, calibration, max_templates and keep_crops of this gallery."""
        with self._database.writing() as connection:
            number, before = reading.gallery_by_name(connection, info.name)
            check_version(info.name, before.version, if_version)
            stamp = writing.tick(connection, self._core.now())
            writing.update_gallery(connection, number, replace(info, version=stamp.number))
            _, after = reading.gallery_by_name(connection, info.name)
        if before.keep_crops and not after.keep_crops:
            self._core.eraser.finish()
        return after

    def delete(self, name: str, if_version: int | None = None) -> None:
        """Erase a gallery with all its subjects.

        It is gone at once; erasing many subjects takes some time, in which others may write.
        """
        with self._database.reading() as connection:
            number, _ = reading.gallery_by_name(connection, name)
        cache = self._cache(number)
        with cache.dropping(), self._database.writing() as connection:
            info = reading.gallery_info(connection, number, name)
            check_version(name, info.version, if_version)
            writing.hide_gallery(connection, number)
        with self._caches_lock:
            self._caches.pop(number, None)
        self._core.eraser.finish()

    def check(self) -> None:
        """Read the whole database and compare its tables with their indexes.

        Raises
        ------
        StorageCorruptError
            It is damaged.
        """
        self._database.check()

    def save(self) -> None:
        """Save all indexes that have changed, now."""
        for cache in self._all_caches():
            cache.save()

    def close(self) -> None:
        """Finish what runs in the background and let go of the store."""
        if self._closed:
            return
        self._closed = True
        try:
            self._keeper.close()
        finally:
            self._database.close()
            self._core.eraser.close()
            self._lock.close()

    def _gallery(self, number: int, name: str) -> SqliteGallery:
        return SqliteGallery(self._core, number, name, self._cache(number))

    def _cache(self, number: int) -> IndexCache:
        with self._caches_lock:
            if number not in self._caches:
                path = self._index_folder / f"{number}.faiss"
                self._caches[number] = IndexCache(
                    self._database, number, path, self._compress_above
                )
            return self._caches[number]

    def _all_caches(self) -> list[IndexCache]:
        with self._caches_lock:
            return list(self._caches.values())

    def _prepare_index_folder(self) -> None:
        # what a process that was killed has left: half-written files, and those of galleries that
        # were deleted
        with self._database.reading() as connection:
            rows = connection.execute("SELECT gallery FROM galleries WHERE name IS NOT NULL")
            known = {f"{number}.faiss" for (number,) in rows}
        with file_errors(self._index_folder):
            self._index_folder.mkdir(mode=0o700, exist_ok=True)
            for path in self._index_folder.iterdir():
                if path.name not in known:
                    path.unlink()
