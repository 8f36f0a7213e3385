"""The one place that opens SQLite files: durability, migrations, errors, one owner."""

from __future__ import annotations

from ood_face.storage.database import LOG_CACHE_KIB, Database
from ood_face.storage.failures import corrupt, file_errors, sqlite_errors
from ood_face.storage.files import sync_folder, write_atomically
from ood_face.storage.lock import FolderLock
from ood_face.storage.looking import is_whole, looking
from ood_face.storage.retention import Retention

__all__ = [
    "LOG_CACHE_KIB",
    "Database",
    "FolderLock",
    "Retention",
    "corrupt",
    "file_errors",
    "is_whole",
    "looking",
    "sqlite_errors",
    "sync_folder",
    "write_atomically",
]
