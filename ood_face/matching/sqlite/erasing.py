"""Erasing what is out of sight already: deleted galleries, crops that are not to be kept."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ood_face.errors import BackendError
from ood_face.matching.sqlite.residue import Residue

if TYPE_CHECKING:
    from ood_face.storage import Database

__all__ = ["Eraser"]

_log = logging.getLogger(__name__)

# small transactions, between which others may write
_SUBJECTS = 500
_CROPS = 250


class Eraser:
    """Finishes erasures, also those that an earlier process did not finish.

    Deleting a gallery and switching its crops off take effect at once and as a whole; the bytes
    are erased afterwards, part by part. What is deleted is overwritten in the tables
    (``secure_delete``), but the write-ahead log still has it: it is emptied, too. Where that is
    not possible now, because another process reads the database (a backup) or the disk is full,
    it is tried again later: ``pending`` says so.

    Parameters
    ----------
    database : the galleries
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._residue = Residue(database)
        self._purging = threading.Lock()
        # ids of deleted subjects that may still be in a file
        self._deleted: set[str] = set()
        self._deleted_lock = threading.Lock()
        self.pending = True

    def close(self) -> None:
        """Let go of the files, after the database was closed."""
        self._residue.close()

    def wipe(self, *subject_ids: str, wait_s: float = 1.0) -> bool:
        """Leave no file with what was deleted; False: not yet, something is in the way.

        Parameters
        ----------
        subject_ids : subjects that were deleted
        wait_s : how long to wait for readers; nobody can write meanwhile
        """
        with self._deleted_lock:
            self._deleted.update(subject_ids)
            deleted = set(self._deleted)
        try:
            with self._database.settled(wait_s) as wiped:
                if wiped and deleted:
                    self._residue.remove([subject_id.encode() for subject_id in deleted])
        except BackendError as exc:
            _log.warning("what was deleted is not yet out of all files: %s", exc)
            wiped = False
        else:
            if not wiped:
                _log.warning("what was deleted is still in the log of a database that is read")
        if wiped:
            with self._deleted_lock:
                self._deleted -= deleted
        self.pending |= not wiped
        return wiped

    def finish(self, wait_s: float = 1.0) -> bool:
        """Erase what is out of sight, then :meth:`wipe`; False: something is in the way.

        When galleries were erased, the database is written anew, which gives their space back.
        """
        with self._purging:
            self.pending = False
            try:
                erased = False
                while self._erase_galleries():
                    erased = True
                while self._erase_crops():
                    pass
                if erased:
                    self._database.compact()
            except BackendError as exc:
                _log.warning("deleted galleries and crops are not erased yet: %s", exc)
                self.pending = True
                return False
            return self.wipe(wait_s=wait_s)

    def _erase_galleries(self) -> bool:
        # a part of the first gallery that is out of sight; False: there is none
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT gallery FROM galleries WHERE name IS NULL LIMIT 1"
            ).fetchone()
            if row is None:
                return False
            deleted = connection.execute(
                "DELETE FROM subjects WHERE subject IN "
                "(SELECT subject FROM subjects WHERE gallery = ? LIMIT ?)",
                (*row, _SUBJECTS),
            ).rowcount
            if not deleted:
                connection.execute("DELETE FROM galleries WHERE gallery = ?", row)
        return True

    def _erase_crops(self) -> bool:
        # a part of the crops of the first gallery that is not to have them; False: there is none
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT gallery, crops_since FROM galleries WHERE erasing_crops LIMIT 1"
            ).fetchone()
            if row is None:
                return False
            deleted = connection.execute(
                "DELETE FROM crops WHERE template IN (SELECT template FROM crops "
                "JOIN templates USING (template) WHERE gallery = ? AND template < ? LIMIT ?)",
                (*row, _CROPS),
            ).rowcount
            if not deleted:
                connection.execute(
                    "UPDATE galleries SET erasing_crops = 0 WHERE gallery = ? AND crops_since = ?",
                    row,
                )
        return True
