"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.storage.failures import file_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sync_folder", "write_atomically"]

# a temporary file that nobody has written for so long belongs to nobody
_LEFT_AFTER_S = 3600


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary file to write; it takes its place when the block ends without an error.

    Parameters
    ----------
    path : where the file is to be; a file that lies there is replaced in one step

    Raises
    ------
    StorageError
        It cannot be written; StorageFullError: the disk is full. The file at ``path`` is as it was.
    """
    with file_errors(path):
        _sweep(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
    temporary = Path(name)
    try:
        with file_errors(path):
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _sweep(path: Path) -> None:
    # what a process that was killed has left; a younger one may be at work
    for left in path.parent.iterdir():
        if left.name.startswith(f".{path.name}.") and left.name.endswith(".part"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                    left.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: what was renamed or removed stays so."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
