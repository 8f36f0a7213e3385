"""Names of what lies in the data folder."""

from __future__ import annotations

__all__ = ["DATABASE", "DATABASES", "INDEX_FOLDER", "LOCK", "RESTORING"]

DATABASE = "galleries.sqlite"
# all that a backup has, where it is there: galleries, API keys, audit log, review queue
DATABASES = (DATABASE, "access.sqlite", "audit.sqlite", "review.sqlite")
LOCK = "galleries.lock"
INDEX_FOLDER = "index"
# there while a restore exchanges the databases: what lies there now is neither old nor new
RESTORING = "restoring"
