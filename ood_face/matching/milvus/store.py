"""Galleries in Milvus."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ood_face.errors import BackendError
from ood_face.matching.milvus.changes import Changes
from ood_face.matching.milvus.clock import Clock, new_uid
from ood_face.matching.milvus.connection import Connection
from ood_face.matching.milvus.documents import GalleryRow, to_key
from ood_face.matching.milvus.gallery import MilvusGallery
from ood_face.matching.milvus.journal import Journal, Note
from ood_face.matching.milvus.layout import Layout
from ood_face.matching.milvus.rows import Rows
from ood_face.matching.milvus.schema import (
    GALLERIES,
    JOURNAL,
    create_crops,
    create_plain,
    create_subjects,
    create_templates,
    crops_name,
)
from ood_face.matching.milvus.sweeping import Sweeper
from ood_face.matching.milvus.vector_index import VectorIndex
from ood_face.matching.refusals import check_version, duplicate_gallery, no_gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.types import GalleryInfo

__all__ = ["MilvusGalleryStore"]

_MAX_GALLERIES = 20_000  # Milvus has up to 65,536 collections, and a gallery two or three
_NAME_CHARS = 63


class MilvusGalleryStore:
    """Galleries in a Milvus that several replicas of the service share.

    See :class:`ood_face.ports.GalleryStore`. Milvus has no transactions; what that changes:

    - A change of one subject takes effect with one write, that of the subject's row, so it is
      seen whole or not at all, by every replica at once. If that write is not answered in time, an
      error is raised although it may have taken effect.
    - Versions are compared within one replica. If two replicas change one subject in the same
      moment, both may succeed, and the later one holds; so may two that create it. Let one replica
      write a gallery (``deploy/milvus/nginx.conf`` does).
    - A version is the time in microseconds on the replica's clock. A subject that is deleted on
      one replica and enrolled again on another has a greater one if their clocks agree.
    - Features left by a replica that died in the middle of a change are never found, and are
      removed within about twenty minutes by any other, or when one starts.
    - What was deleted is found no more at once, but Milvus keeps the bytes until it compacts the
      segment and collects the garbage, and until its log and its own backups have expired. The
      store asks for a compaction within ten minutes of a deletion. Deleting a gallery, and
      switching crops off, drops whole collections. In a file of Milvus Lite the log is written out
      at once; rows that were written out before go when it merges files, at every fourth or so.

    Parameters
    ----------
    uri : ``http://host:19530``, or a file that ends in ``.db``: Milvus Lite, in this process
    token : ``user:password`` or an API key; None: none is needed
    index : how a cluster searches galleries that are made from now on; Milvus Lite compares with
        every template
    connect : opens the connection

    Raises
    ------
    BackendError
        pymilvus is not installed, or nobody answers at the address.
    StorageLockedError
        Another process has the file.
    """

    def __init__(
        self,
        uri: str,
        token: str | None = None,
        index: VectorIndex = VectorIndex.HNSW,
        connect: Callable[[str, str | None], Connection] = Connection,
    ) -> None:
        self._connection = connect(uri, token)
        self._index = VectorIndex.FLAT if self._connection.local else index
        self._clock = Clock()
        self._turn = threading.RLock()
        self._turns: dict[str, threading.RLock] = {}
        self._galleries = Rows(self._connection, GALLERIES, _lost)
        self._journal = Journal(Rows(self._connection, JOURNAL, _lost), self._clock)
        try:
            present = self._connection.collections()
            for name in (JOURNAL, GALLERIES):
                if name not in present:
                    create_plain(self._connection, name)
            self._sweeper = Sweeper(self._connection, self._galleries, self._journal, self._clock)
        except BaseException:
            self._connection.close()
            raise

    def create(self, info: GalleryInfo) -> MilvusGallery:
        """Make a new gallery."""
        with self._turn:
            if self._galleries.get([to_key(info.name)], ["key"]):
                raise duplicate_gallery(info.name)
            now_us = self._clock.now_us()
            uid = new_uid(now_us)
            crops = new_uid(now_us) if info.keep_crops else None
            row = GalleryRow(replace(info, version=now_us), uid, crops, self._index)
            with self._journal.changing(Note(info.name, uid)) as intent:
                create_subjects(self._connection, uid)
                create_templates(self._connection, uid, self._index)
                if crops is not None:
                    create_crops(self._connection, uid, crops)
                self._galleries.put([row.to_row()])
                intent.done = True
        return self._opened(row)

    def open(self, name: str) -> MilvusGallery:
        """Return a gallery."""
        return self._opened(self._row(name))

    def galleries(self) -> list[GalleryInfo]:
        """Return all galleries by name."""
        rows = self._galleries.after("", _MAX_GALLERIES, ["document"])
        return [GalleryRow.from_row(row).info for row in rows]

    def update(self, info: GalleryInfo, if_version: int | None = None) -> GalleryInfo:
        """Replace scenario, calibration, max_templates and keep_crops of this gallery."""
        with self._turn:
            before = self._row(info.name)
            check_version(info.name, before.info.version, if_version)
            with self._turn_of(before.uid):
                crops = before.crops if info.keep_crops else None
                if info.keep_crops and crops is None:
                    crops = new_uid(self._clock.now_us())
                changed = replace(
                    before.info,
                    scenario=info.scenario,
                    calibration=info.calibration,
                    max_templates=info.max_templates,
                    keep_crops=info.keep_crops,
                    version=self._clock.now_us(above=before.info.version),
                )
                self._replace(before, replace(before, info=changed, crops=crops))
        return changed

    def delete(self, name: str, if_version: int | None = None) -> None:
        """Erase a gallery with all its subjects."""
        with self._turn:
            before = self._row(name)
            check_version(name, before.info.version, if_version)
            with (
                self._turn_of(before.uid),
                self._journal.changing(Note(name, before.uid)) as intent,
            ):
                self._galleries.remove([to_key(name)])
                self._sweeper.drop_gallery(before.uid)
                intent.done = True
            self._turns.pop(before.uid, None)

    def maintain(self) -> None:
        """Do now what is done every ten minutes.

        What replicas that died have left is removed, and Milvus is asked to compact the galleries
        that this replica has deleted from. Failures are logged.
        """
        self._sweeper.maintain()

    def close(self) -> None:
        """Finish what runs in the background and let go of the store."""
        self._sweeper.close()
        self._connection.close()

    def _turn_of(self, uid: str) -> threading.RLock:
        return self._turns.setdefault(uid, threading.RLock())

    def _row(self, name: str) -> GalleryRow:
        rows = self._galleries.get([to_key(name)], ["document"]) if len(name) <= _NAME_CHARS else []
        if not rows:
            raise no_gallery(name)
        return GalleryRow.from_row(rows[0])

    def _opened(self, row: GalleryRow) -> MilvusGallery:
        layout = Layout(self._connection, self._galleries, row.info.name, row.uid, row.index)
        turn = self._turn_of(row.uid)
        changes = Changes(layout, self._journal, self._clock, turn, self._sweeper.erased)
        return MilvusGallery(layout, changes)

    def _replace(self, before: GalleryRow, after: GalleryRow) -> None:
        """Write a gallery's row; crops are dropped after it and made before it."""
        if before.crops == after.crops:
            self._galleries.put([after.to_row()])
            return
        note = Note(before.info.name, before.uid, crops=before.crops or after.crops)
        with self._journal.changing(note) as intent:
            if after.crops is not None:
                create_crops(self._connection, after.uid, after.crops)
            self._galleries.put([after.to_row()])
            if before.crops is not None:
                self._connection.drop(crops_name(before.uid, before.crops))
            intent.done = True


def _lost() -> BackendError:
    return BackendError(
        "milvus.lost", "Milvus has lost the collections that list galleries; restore its backup"
    )
