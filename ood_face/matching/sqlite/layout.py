"""Names of what lies in the data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import StorageCorruptError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DATABASE", "DATABASES", "INDEX_FOLDER", "LOCK", "RESTORING", "check_restored"]

DATABASE = "galleries.sqlite"
# all that a backup has, where it is there: galleries, API keys, audit log, review queue
DATABASES = (DATABASE, "access.sqlite", "audit.sqlite", "review.sqlite")
LOCK = "galleries.lock"
INDEX_FOLDER = "index"
# there while a restore exchanges the databases: what lies there now is neither old nor new
RESTORING = "restoring"


def check_restored(folder: Path) -> None:
    """Raise StorageCorruptError where a restore of a backup into a folder was interrupted."""
    if (folder / RESTORING).exists():
        raise StorageCorruptError(
            "backup.interrupted",
            "restoring a backup into {folder} was interrupted; repeat it with "
            "'ood-face restore --replace'",
            folder=str(folder),
        )
