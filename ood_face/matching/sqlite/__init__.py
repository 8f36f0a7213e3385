"""Galleries of one machine: SQLite is the truth, a FAISS index its cache."""

from __future__ import annotations

from ood_face.matching.sqlite.backup import BackupReport, create_backup, restore_backup
from ood_face.matching.sqlite.store import SqliteGalleryStore

__all__ = ["BackupReport", "SqliteGalleryStore", "create_backup", "restore_backup"]
