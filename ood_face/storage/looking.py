"""A SQLite file, which another process may be using, looked at and left as it is."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.storage.failures import corrupt, newer, sqlite_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_whole", "looking"]

_BUSY_TIMEOUT_S = 1.0
# how many steps of SQLite's machine lie between two looks at the clock: some milliseconds
_STEPS = 100_000


@contextmanager
def looking(path: Path, known: int) -> Iterator[sqlite3.Connection]:
    """Lend a connection that only reads; no file is made or changed.

    Parameters
    ----------
    path : the file
    known : the newest version (``user_version``) that the caller can read

    Raises
    ------
    StorageCorruptError
        It is no database, is damaged, or was written by a newer version.
    StorageError
        It cannot be read.
    """
    # with a write-ahead log beside it, it is in use, or was when its process was killed; without
    # one, all is in the file, and 'immutable' keeps SQLite from making companions
    log = Path(f"{path}-wal")
    how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    with sqlite_errors(path):
        opened = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
        )
        with closing(opened) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > known:
                raise newer(path, version, known)
            yield connection


def is_whole(path: Path, known: int, limit_s: float) -> bool:
    """Read everything and see whether it is sound; False: there was no time for all of it.

    Parameters
    ----------
    path, known : as of :func:`looking`
    limit_s : after so long it is given up

    Raises
    ------
    StorageCorruptError, StorageError
        As of :func:`looking`.
    """
    end = time.monotonic() + limit_s
    with looking(path, known) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        except sqlite3.OperationalError as exc:
            if getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                return False
            raise
    if problems != ["ok"]:
        raise corrupt(path, "; ".join(problems[:3]))
    return True
