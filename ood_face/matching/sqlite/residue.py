"""What SQLite leaves of deleted subjects in the unused parts of its pages.

``secure_delete`` overwrites what is deleted where it is. But when SQLite moves rows from one page
to another, as it does when pages of rows of unequal length are split or joined, the old place may
keep a copy (measured: of one to three deleted subjects in a thousand), and deleting the row later
does not find it. Rows of equal length, as features and crops are, fill each other's places.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ood_face.storage import file_errors

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from ood_face.storage import Database

__all__ = ["Residue"]

# first byte of a page -> bytes of its header: index and table, inner and leaf
_HEADER_BYTES = {2: 12, 5: 12, 10: 8, 13: 8}


class Residue:
    """Finds and removes copies of subjects' ids; safe to call from several threads.

    Parameters
    ----------
    database : the galleries
    whole_file : look through all pages, also where SQLite can tell which ones matter
    """

    def __init__(self, database: Database, whole_file: bool = False) -> None:
        self._database = database
        self._whole_file = whole_file
        with file_errors(database.path):
            # open as long as the database is: closing any descriptor of the file drops the locks
            # that SQLite has on it
            self._descriptor = os.open(database.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of the file, after the database was closed."""
        os.close(self._descriptor)

    def remove(self, subject_ids: Sequence[bytes]) -> bool:
        """Remove what is left of deleted subjects; False: nothing was.

        Parameters
        ----------
        subject_ids : in UTF-8; the caller keeps the database settled since they were deleted

        Raises
        ------
        StorageError
            The database cannot be read or written.
        """
        if not self._left(subject_ids):
            return False
        # cheap; seldom is it the table itself, which takes writing the whole file anew
        with self._database.writing() as connection:
            connection.execute("REINDEX subjects_by_id")
        self._database.scrub()
        if self._left(subject_ids):
            self._database.compact()
        return True

    def _left(self, subject_ids: Sequence[bytes]) -> bool:
        with self._database.reading() as connection, file_errors(self._database.path):
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            return any(
                subject_id in unused
                for number in _pages(connection, self._whole_file)
                for unused in [_unused(os.pread(self._descriptor, size, (number - 1) * size))]
                for subject_id in subject_ids
            )


def _pages(connection: sqlite3.Connection, whole_file: bool) -> Iterator[int]:
    # of the two trees that have subjects' ids; of the whole file, where this SQLite cannot tell
    (knows,) = connection.execute(
        "SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'"
    ).fetchone()
    if whole_file or not knows:
        (last,) = connection.execute("PRAGMA page_count").fetchone()
        # the first page holds the descriptions of the tables
        yield from range(2, last + 1)
        return
    for tree in ("subjects_by_id", "subjects"):
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ?", (tree,))
        yield from (number for (number,) in rows)


def _unused(page: bytes) -> bytes:
    # between the list of a page's cells and the first cell; other pages have no such place: they
    # begin with the number of another page, which is too small to look like a header
    header = _HEADER_BYTES.get(page[0])
    if header is None:
        return b""
    cells = int.from_bytes(page[3:5], "big")
    first = int.from_bytes(page[5:7], "big")
    return page[header + 2 * cells : first]
