"""One process owns a folder."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from ood_face.errors import StorageLockedError
from ood_face.storage.failures import file_errors

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderLock"]


class FolderLock:
    """Holds a folder until it is closed or the process ends, however it ends.

    Parameters
    ----------
    path : the lock file; it stays when the lock is let go

    Raises
    ------
    StorageLockedError
        Another process holds it; names that process.
    StorageError
        The lock file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        with file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            owner = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StorageLockedError(
                "storage.locked",
                "the data folder {folder} is in use by process {pid}; stop it first, or use its "
                "API",
                folder=str(path.parent),
                pid=owner or "?",
            ) from exc
        try:
            with file_errors(path):
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._descriptor)
