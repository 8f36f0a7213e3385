"""A SQLite file: one writer, many readers, durable, of a known version."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from ood_face.errors import StorageError
from ood_face.storage.failures import corrupt, file_errors, newer, sqlite_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["LOG_CACHE_KIB", "Database"]

# how long one process waits for another that writes
_BUSY_TIMEOUT_S = 10.0
# SQLite's own measure; and that of a log, which would fill it with what nobody reads again:
# measured, the writer's memory grew by 2 MB over the first 8,000 events, and by 0.2 MB so
CACHE_KIB = 2000
LOG_CACHE_KIB = 256


class Database:
    """One SQLite file in WAL mode; safe to call from several threads.

    Parameters
    ----------
    path : the file; made, with its folder, where it is not there
    migrations : scripts, oldest first; the file's ``user_version`` says how many it has had.
        A script is never changed once it was released: a new one is appended
    synchronous : ``FULL``: what was committed outlives a power cut; ``NORMAL``: it outlives the
        process, and after a power cut the file is sound but may lack the last moments
    page_size : bytes, of a file that is new
    cache_kib : what each connection may hold in memory

    Raises
    ------
    StorageCorruptError
        The file is no database, is damaged, or was written by a newer version.
    StorageError
        It cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[str],
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        page_size: int = 4096,
        cache_kib: int = CACHE_KIB,
    ) -> None:
        self._path = path
        self._cache_kib = cache_kib
        self._synchronous = synchronous
        self._page_size = page_size
        self._closed = False
        with file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # for its owner alone, also in a folder that is open to others; SQLite gives its
            # companions (-wal, -shm) the same mode. A file that is there is left alone: closing
            # it here would drop the locks that this process has on it
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._write_lock = threading.RLock()
        self._writer = self._connect()
        self._idle_readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        try:
            self._migrate(migrations)
        except BaseException:
            self._writer.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the file throughout the block.

        Raises
        ------
        StorageError
            Reading failed, or the database is closed.
        """
        with self._readers_lock:
            self._check_open()
            reader = self._idle_readers.pop() if self._idle_readers else None
        if reader is None:
            reader = self._connect()
        with sqlite_errors(self._path):
            try:
                reader.execute("BEGIN")
                yield reader
            finally:
                if reader.in_transaction:
                    reader.execute("ROLLBACK")
                self._give_back(reader)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the one connection that writes; the block is committed whole or not at all.

        When the block has ended without an error, what it wrote is durable.

        Raises
        ------
        StorageFullError
            The disk is full.
        StorageError
            Writing failed, or the database is closed.
        """
        with self._write_lock, sqlite_errors(self._path):
            self._check_open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                # also after a failed COMMIT, which may leave the transaction open
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def scrub(self, wait_s: float = 1.0) -> bool:
        """Empty the write-ahead log, so that no file has what was deleted; False: readers held it.

        Parameters
        ----------
        wait_s : how long to wait for readers; nobody can write meanwhile

        Raises
        ------
        StorageError
            It could not be written.
        """
        with self._write_lock, sqlite_errors(self._path):
            self._check_open()
            self._writer.execute(f"PRAGMA busy_timeout = {wait_s * 1000:.0f}")
            try:
                busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._writer.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000:.0f}")
        return not busy

    @contextmanager
    def settled(self, wait_s: float = 1.0) -> Iterator[bool]:
        """Hold off writers, after :meth:`scrub`: what it returned is given to the block.

        With True, all that was committed is in the file itself, and stays so during the block.
        """
        with self._write_lock:
            yield self.scrub(wait_s)

    def compact(self) -> None:
        """Write the whole file anew, without gaps; others may read, but not write, meanwhile.

        Raises
        ------
        StorageError
            It could not be written; it takes as much space again as the file has.
        """
        with self._write_lock, sqlite_errors(self._path):
            self._check_open()
            self._writer.execute("VACUUM")
        self.scrub()

    def check(self) -> None:
        """Read everything and see whether it is sound; takes seconds per gigabyte.

        Raises
        ------
        StorageCorruptError
            It is not.
        """
        with self.reading() as connection:
            problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
            if problems == ["ok"]:
                problems = [
                    f"a row of {table} refers to a row of {parent} that is not there"
                    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check")
                ]
        if problems:
            raise corrupt(self._path, "; ".join(problems[:3]))

    def close(self) -> None:
        """Close all connections; who reads just now may finish."""
        with self._readers_lock:
            self._closed = True
            while self._idle_readers:
                self._idle_readers.pop().close()
        with self._write_lock:
            self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(
                "storage.closed", "{file} was closed and cannot be used", file=str(self._path)
            )

    def _give_back(self, reader: sqlite3.Connection) -> None:
        with self._readers_lock:
            if self._closed:
                reader.close()
            else:
                self._idle_readers.append(reader)

    def _connect(self) -> sqlite3.Connection:
        with sqlite_errors(self._path):
            connection = sqlite3.connect(
                self._path,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute(f"PRAGMA page_size = {self._page_size}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                connection.execute(f"PRAGMA cache_size = -{self._cache_kib}")
                connection.execute("PRAGMA foreign_keys = ON")
                # what is deleted is overwritten with zeros
                connection.execute("PRAGMA secure_delete = ON")
            except BaseException:
                connection.close()
                raise
        return connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(migrations):
                raise newer(self._path, version, len(migrations))
            for script in migrations[version:]:
                for statement in script.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
