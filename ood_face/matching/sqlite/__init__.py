"""Galleries of one machine: SQLite is the truth, a FAISS index its cache."""

from __future__ import annotations

from ood_face.matching.sqlite.store import SqliteGalleryStore

__all__ = ["SqliteGalleryStore"]
