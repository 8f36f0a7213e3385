"""From failures of SQLite and of files to our errors."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import BusyError, StorageCorruptError, StorageError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["corrupt", "file_errors", "newer", "sqlite_errors"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Raise StorageError in place of OSError."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise _full(path) from exc
        raise _failed(path, exc.strerror or type(exc).__name__) from exc


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise our errors in place of sqlite3's.

    Raises
    ------
    StorageFullError
        The disk is full.
    StorageCorruptError
        The database is damaged, or the file is none.
    BusyError
        Another process held the database for too long.
    StorageError
        Anything else.
    """
    try:
        yield
    except sqlite3.Error as exc:
        # the low byte is the primary code; the rest tells variants apart
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise _full(path) from exc
        if code in _CORRUPT:
            raise corrupt(path, str(exc)) from exc
        if code in _BUSY:
            raise BusyError(
                "storage.busy", "another process is writing to the data folder; try again"
            ) from exc
        raise _failed(path, str(exc)) from exc


def corrupt(path: Path, problem: str) -> StorageCorruptError:
    """Return the error of a damaged database."""
    return StorageCorruptError(
        "storage.corrupt",
        "the database {file} is damaged ({problem}); restore a backup with 'ood-face restore'",
        file=str(path),
        problem=problem,
    )


def newer(path: Path, version: int, known: int) -> StorageCorruptError:
    """Return the error of a database whose version is above the one that this program knows."""
    return StorageCorruptError(
        "storage.newer",
        "{file} has version {version}, and this program knows up to {known}: it was "
        "written by a newer one",
        file=str(path),
        version=version,
        known=known,
    )


def _full(path: Path) -> StorageFullError:
    return StorageFullError(
        "storage.full",
        "there is no space left to write {file}; nothing was changed",
        file=str(path),
    )


def _failed(path: Path, problem: str) -> StorageError:
    return StorageError(
        "storage.failed",
        "{file} cannot be used: {problem}; nothing was changed",
        file=str(path),
        problem=problem,
    )
