"""The audit log: who did what to whom and when, without a trace of who that is."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ood_face.errors import BackendError
from ood_face.storage import LOG_CACHE_KIB, Database, Retention
from ood_face.types import AuditAction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ood_face.types import AuditEvent, Caller

__all__ = ["AuditQuery", "AuditRecord", "SqliteAuditLog"]

FILE = "audit.sqlite"

# times as text, all of one width and zone: they sort as they are
_MIGRATIONS = (
    """\
CREATE TABLE secret (value BLOB NOT NULL) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    action TEXT NOT NULL,
    gallery TEXT NOT NULL,
    subject BLOB,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at);
CREATE INDEX event_subject ON event (subject) WHERE subject IS NOT NULL""",
)
VERSION = len(_MIGRATIONS)
_SECRET_BYTES = 32
# old events go this many at a time, so that nobody who records waits long
_BATCH = 500
_LONGEST_NAME = 100
_PRUNE_STEP = timedelta(hours=1)

_logger = logging.getLogger(__name__)
_FIND = """
SELECT at, request_id, caller, action, gallery, subject, outcome, details FROM event
WHERE (:subject IS NULL OR subject = :subject) AND (:gallery IS NULL OR gallery = :gallery)
  AND (:action IS NULL OR action = :action) AND (:since IS NULL OR at >= :since)
ORDER BY id DESC LIMIT :limit"""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event as it was noted.

    Attributes
    ----------
    at : UTC
    request_id : of the request; empty: not a request
    caller : name of the key, ``local`` or ``open``
    action, gallery, outcome, values : as in :class:`ood_face.types.AuditEvent`
    subject_hash : HMAC-SHA256 of the subject's id under the log's secret, hexadecimal; None: to
        nobody in particular
    """

    at: datetime
    request_id: str
    caller: str
    action: AuditAction
    gallery: str
    subject_hash: str | None
    outcome: str
    values: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which events are sought; None: whatever it is.

    Attributes
    ----------
    subject_id : what was done to this subject, in any gallery
    gallery : its name
    action : what was done
    since : not before this moment; with a time zone
    """

    subject_id: str | None = None
    gallery: str | None = None
    action: AuditAction | None = None
    since: datetime | None = None


class SqliteAuditLog:
    """See :class:`ood_face.ports.AuditLog`; also safe to use from several processes.

    An event survives the end of the process as soon as it is recorded; after a power failure the
    last ones may be missing. The secret that hides the subjects' ids lies in the same file: who
    may read the log and knows an id can look for it, and nobody can read an id out of it.

    Parameters
    ----------
    folder : the data folder; made where it is not there
    keep_days : older events are deleted, at the start and about every hour while events come,
        unless the clock may have jumped ahead: see :class:`ood_face.storage.Retention`
    now : UTC clock

    Raises
    ------
    StorageError
        The file cannot be used.
    """

    def __init__(self, folder: Path, keep_days: int, now: Callable[[], datetime] = _now) -> None:
        self._database = Database(
            folder / FILE, _MIGRATIONS, synchronous="NORMAL", cache_kib=LOG_CACHE_KIB
        )
        self._keep = timedelta(days=keep_days)
        self._retention = Retention("audit log's newest event", self._keep, now)
        self._now = now
        self._secret = self._own_secret()
        self._prune_lock = threading.Lock()
        self._pruned_at: datetime | None = None
        self._prune_all(self._retention.oldest(self._newest_before))

    def record(self, caller: Caller, event: AuditEvent) -> None:
        """Note one event.

        Raises
        ------
        StorageError
            It could not be written.
        """
        now = self._now()
        row = (
            _stamp(now),
            caller.request_id,
            caller.name,
            event.action,
            _bounded(event.gallery),
            None if event.subject_id is None else self._hash(event.subject_id),
            event.outcome,
            json.dumps(dict(event.values)),
        )
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO event (at, request_id, caller, action, gallery, subject, outcome, "
                "details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        # the clock may also be set back
        if self._pruned_at is None or abs(now - self._pruned_at) >= _PRUNE_STEP:
            self._prune_in_passing()

    def find(self, query: AuditQuery, limit: int) -> list[AuditRecord]:
        """Return the newest events that match, newest first.

        Parameters
        ----------
        query : which ones
        limit : at most so many

        Raises
        ------
        StorageError
            They cannot be read.
        """
        wanted = {
            "subject": None if query.subject_id is None else self._hash(query.subject_id),
            "gallery": query.gallery,
            "action": query.action,
            "since": None if query.since is None else _stamp(query.since),
            "limit": limit,
        }
        with self._database.reading() as connection:
            rows = connection.execute(_FIND, wanted)
            return [_record(row) for row in rows]

    def prune(self) -> int:
        """Delete the events that are older than they are kept, by the clock; return how many.

        Raises
        ------
        StorageError
            They cannot be deleted.
        """
        return self._prune_all(self._now() - self._keep)

    def _prune_all(self, oldest: datetime) -> int:
        deleted = 0
        while True:
            some = self._prune_some(oldest)
            deleted += some
            if some < _BATCH:
                return deleted

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _prune_in_passing(self) -> None:
        # one thread is enough, and a few events: the next event goes on where this one ends
        if not self._prune_lock.acquire(blocking=False):
            return
        try:
            self._prune_some(self._retention.oldest(self._newest_before))
        except BackendError as exc:
            # the event itself is recorded
            self._pruned_at = self._now()
            _logger.warning("old audit events were not deleted: %s", exc)
        finally:
            self._prune_lock.release()

    def _newest_before(self, moment: datetime) -> datetime | None:
        with self._database.reading() as connection:
            (at,) = connection.execute(
                "SELECT MAX(at) FROM event WHERE at < ?", (_stamp(moment),)
            ).fetchone()
        return None if at is None else datetime.fromisoformat(at)

    def _prune_some(self, oldest: datetime) -> int:
        with self._database.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM event WHERE id IN "
                "(SELECT id FROM event WHERE at < ? ORDER BY at LIMIT ?)",
                (_stamp(oldest), _BATCH),
            ).rowcount
        if deleted < _BATCH:
            self._pruned_at = self._now()
        return deleted

    def _own_secret(self) -> bytes:
        with self._database.writing() as connection:
            row = connection.execute("SELECT value FROM secret").fetchone()
            if row is None:
                row = (secrets.token_bytes(_SECRET_BYTES),)
                connection.execute("INSERT INTO secret (value) VALUES (?)", row)
        value: bytes = row[0]
        return value

    def _hash(self, subject_id: str) -> bytes:
        return hmac.digest(self._secret, subject_id.encode("utf-8", "surrogatepass"), "sha256")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _bounded(name: str) -> str:
    # a refused request may have named anything
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode()


def _record(row: sqlite3.Row) -> AuditRecord:
    at, request_id, caller, action, gallery, subject, outcome, details = row
    return AuditRecord(
        at=datetime.fromisoformat(at),
        request_id=request_id,
        caller=caller,
        action=AuditAction(action),
        gallery=gallery,
        subject_hash=None if subject is None else subject.hex(),
        outcome=outcome,
        values=json.loads(details),
    )
