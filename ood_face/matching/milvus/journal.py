"""What a change is about to write and to remove: the traces a crash would leave are found here."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.errors import BackendError
from ood_face.matching.milvus.clock import new_uid, uid_us
from ood_face.matching.milvus.documents import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.matching.milvus.clock import Clock
    from ood_face.matching.milvus.rows import Rows

__all__ = ["Intent", "Journal", "Note"]

_log = logging.getLogger(__name__)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Note:
    """What a change touches.

    Attributes
    ----------
    gallery : name of the gallery
    uid : its uid; alone: the gallery is made or deleted
    crops : a collection of crops that is made or dropped
    subject : key of a subject's row
    templates : templates that are written or removed with it
    """

    gallery: str
    uid: str
    crops: str | None = None
    subject: str | None = None
    templates: tuple[int, ...] = ()


class Intent:
    """A change under way.

    Attributes
    ----------
    done : set by whoever has finished the change; otherwise its note stays to be swept up
    """

    def __init__(self) -> None:
        self.done = False


class Journal:
    """Changes under way, of all replicas; safe to call from several threads.

    A change takes several writes, of which one row counts: the gallery's or the subject's. Before
    the first it is noted here, and after the last the note is removed.

    Parameters
    ----------
    rows : the collection
    clock : gives the time
    """

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock

    @contextmanager
    def changing(self, note: Note) -> Iterator[Intent]:
        """Note a change for as long as the block runs, and longer if it is not ``done``."""
        intent = Intent()
        key = new_uid(self._clock.now_us())
        document = json.dumps(
            {
                "gallery": note.gallery,
                "uid": note.uid,
                "crops": note.crops,
                "subject": note.subject,
                "templates": note.templates,
            }
        )
        self._rows.put([{"key": key, "document": document, "nothing": NOTHING}])
        yield intent
        if intent.done:
            try:
                self._rows.remove([key])
            except BackendError as exc:
                # the change is made; the note is found again and does no harm
                _log.warning("a note in Milvus' journal stays for now: %s", exc)

    def older_than(self, moment_us: int) -> Iterator[tuple[str, Note]]:
        """Yield what was noted before a time, and the key to forget it by."""
        key = ""
        while page := self._rows.after(key, _PAGE, ["document"]):
            for row in page:
                key = row["key"]
                if uid_us(key) >= moment_us:
                    return
                document = json.loads(row["document"])
                document["templates"] = tuple(document["templates"])
                yield key, Note(**document)

    def forget(self, key: str) -> None:
        """Remove a note."""
        self._rows.remove([key])

    def purge(self) -> None:
        """Have Milvus drop the notes that were removed."""
        self._rows.purge()
