"""What crashes have left in Milvus is removed, and what was removed is written out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ood_face.errors import BackendError, GalleryNotFoundError
from ood_face.matching.milvus.documents import GalleryRow, SubjectRow, to_key
from ood_face.matching.milvus.layout import Layout
from ood_face.matching.milvus.schema import crops_name, parse_name

if TYPE_CHECKING:
    from ood_face.matching.milvus.clock import Clock
    from ood_face.matching.milvus.connection import Connection
    from ood_face.matching.milvus.journal import Journal, Note
    from ood_face.matching.milvus.rows import Rows

__all__ = ["Sweeper"]

_log = logging.getLogger(__name__)
# a change takes seconds: each of its calls is given up after ten
_AGE_US = 600 * 1_000_000
_EVERY_S = 600.0


class Sweeper:
    """Sweeps when it is made, and then every ten minutes in a thread of its own.

    Parameters
    ----------
    connection : to Milvus
    galleries : the rows of all galleries
    journal : says what may have been left
    clock : gives the time
    """

    def __init__(
        self,
        connection: Connection,
        galleries: Rows,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._galleries = galleries
        self._journal = journal
        self._clock = clock
        self._erased: dict[str, Layout] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        # a file has one owner: what is noted in it was left by an earlier one
        self.sweep(0 if connection.local else _AGE_US)
        self._thread = threading.Thread(target=self._run, name="milvus-sweeper", daemon=True)
        self._thread.start()

    def erased(self, layout: Layout) -> None:
        """Note that rows of a gallery were removed; a file is purged at once."""
        if self._connection.local:
            self._purge(layout)
        else:
            with self._lock:
                self._erased[layout.uid] = layout

    def sweep(self, age_us: int = _AGE_US) -> None:
        """Remove what changes have left that were begun so long ago and did not end.

        Raises
        ------
        BackendError
            Milvus failed; the rest is swept another time.
        """
        for key, note in self._journal.older_than(self._clock.now_us() - age_us):
            self._settle(note)
            self._journal.forget(key)
            _log.info("swept up after a change of gallery %s that did not end", note.gallery)

    def drop_gallery(self, uid: str) -> None:
        """Drop all collections of a gallery."""
        for name in self._connection.collections():
            parsed = parse_name(name)
            if parsed is not None and parsed[0] == uid:
                self._connection.drop(name)

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def maintain(self) -> None:
        """Sweep, and have Milvus drop what was removed since the last time; failures are logged."""
        try:
            self.sweep()
        except BackendError as exc:
            _log.warning("sweeping up in Milvus failed: %s", exc)
        with self._lock:
            erased, self._erased = self._erased, {}
        for layout in erased.values():
            self._purge(layout)

    def _run(self) -> None:
        while not self._closing.wait(_EVERY_S):
            self.maintain()

    def _purge(self, layout: Layout) -> None:
        try:
            layout.purge()
            self._journal.purge()
        except GalleryNotFoundError:
            _log.debug("gallery %s was deleted before it was purged", layout.name)
        except BackendError as exc:
            _log.warning("Milvus has not dropped what was removed yet: %s", exc)

    def _settle(self, note: Note) -> None:
        rows = self._galleries.get([to_key(note.gallery)], ["document"])
        gallery = GalleryRow.from_row(rows[0]) if rows else None
        if gallery is None or gallery.uid != note.uid:
            self.drop_gallery(note.uid)
            return
        if note.crops is not None and note.crops != gallery.crops:
            self._connection.drop(crops_name(note.uid, note.crops))
        if note.subject is None:
            return
        layout = Layout(self._connection, self._galleries, note.gallery, note.uid, gallery.index)
        subjects = layout.subjects.get([note.subject], ["document"])
        listed = {
            one.template_id
            for row in subjects
            for one in SubjectRow.from_row(row).subject.templates
        }
        left = [id_ for id_ in note.templates if id_ not in listed]
        layout.templates.remove(left)
        if gallery.crops is not None:
            layout.crops(gallery.crops).remove(left)
        self.erased(layout)
