"""API keys, their limits, and the audit log."""

from __future__ import annotations

from ood_face.access.api_key import ApiKey, NewKey
from ood_face.access.audit import AuditQuery, AuditRecord, SqliteAuditLog
from ood_face.access.hosts import is_loopback_name, listens_beyond, network_of
from ood_face.access.keys import KeyStore
from ood_face.access.looking import KeyCounts, count_keys, newest_event
from ood_face.access.privileges import keep_to_oneself, warn_of_rights
from ood_face.access.rate import RateLimiter
from ood_face.access.wrong_keys import WrongKeys

__all__ = [
    "ApiKey",
    "AuditQuery",
    "AuditRecord",
    "KeyCounts",
    "KeyStore",
    "NewKey",
    "RateLimiter",
    "SqliteAuditLog",
    "WrongKeys",
    "count_keys",
    "is_loopback_name",
    "keep_to_oneself",
    "listens_beyond",
    "network_of",
    "newest_event",
    "warn_of_rights",
]
