"""API keys: made and revoked from the command line, asked for at every request."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ood_face.access.api_key import ApiKey, NewKey, check_new_key
from ood_face.errors import AccessError, BackendError, UnauthenticatedError
from ood_face.storage import Database
from ood_face.types import Role

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["KeyStore"]

FILE = "access.sqlite"

_MIGRATIONS = (
    """\
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT,
    revoked_at TEXT,
    rate_per_minute INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL""",
)
VERSION = len(_MIGRATIONS)
_ALL = """
SELECT id, name, roles, created_at, expires_at, last_used_at, revoked_at, rate_per_minute
FROM api_key ORDER BY created_at, id"""
_NAMED = """
SELECT id, name, roles, created_at, expires_at, last_used_at, revoked_at, rate_per_minute
FROM api_key WHERE revoked_at IS NULL AND ? IN (name, id) ORDER BY name = ? DESC"""
_BY_ID = """
SELECT id, name, roles, created_at, expires_at, last_used_at, revoked_at, rate_per_minute,
  secret_sha256 FROM api_key WHERE id = ?"""
_ID_BYTES = 8
_SECRET_BYTES = 32
_PRESENTED = re.compile(r"odf_([0-9a-f]{16})_([0-9a-f]{64})")
# compared where there is no such key, so that both refusals take the same work
_NOBODY = bytes(hashlib.sha256().digest_size)
# the time of last use is noted this coarsely, so that a request seldom waits for the disk
_LAST_USED_STEP = timedelta(minutes=10)

_logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class KeyStore:
    """The keys of one data folder; safe to call from several threads and several processes.

    Nothing is remembered between calls: what another process changes holds at the next one.

    Parameters
    ----------
    folder : the data folder; made where it is not there
    now : UTC clock

    Raises
    ------
    StorageError
        The file cannot be used.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = _now) -> None:
        self._database = Database(folder / FILE, _MIGRATIONS)
        self._now = now

    def create(
        self,
        name: str,
        roles: Iterable[Role],
        *,
        expires_days: int | None = None,
        rate_per_minute: int | None = None,
    ) -> NewKey:
        """Make a key; it is durable when this returns.

        Parameters
        ----------
        name : 1..63 characters; no other key that is not revoked has it
        roles : one or more
        expires_days : days from now until it counts no more; None: never
        rate_per_minute : requests a minute; None: as the settings say

        Raises
        ------
        InputError
            The name, the roles or a number is wrong.
        AccessError
            The name is taken.
        StorageError
            It could not be written.
        """
        held = frozenset(roles)
        check_new_key(name, held, expires_days, rate_per_minute)
        now = self._now()
        key = ApiKey(
            id=secrets.token_hex(_ID_BYTES),
            name=name,
            roles=held,
            created_at=now,
            expires_at=None if expires_days is None else now + timedelta(days=expires_days),
            rate_per_minute=rate_per_minute,
        )
        secret = secrets.token_hex(_SECRET_BYTES)
        with self._database.writing() as connection:
            taken = "SELECT 1 FROM api_key WHERE name = ? AND revoked_at IS NULL"
            if connection.execute(taken, (name,)).fetchone() is not None:
                raise AccessError(
                    "access.name_taken",
                    "there is a key named {name} already; revoke it first, or choose another name",
                    name=name,
                )
            connection.execute(
                "INSERT INTO api_key (id, name, roles, secret_sha256, created_at, expires_at, "
                "rate_per_minute) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    key.id,
                    name,
                    " ".join(sorted(held)),
                    _digest(secret),
                    now.isoformat(),
                    None if key.expires_at is None else key.expires_at.isoformat(),
                    rate_per_minute,
                ),
            )
        return NewKey(key, f"odf_{key.id}_{secret}")

    def all(self) -> list[ApiKey]:
        """Return all keys, oldest first, also those that expired or were revoked."""
        with self._database.reading() as connection:
            rows = connection.execute(_ALL)
            return [_key(row) for row in rows]

    def any_made(self) -> bool:
        """Return whether a key was ever made, be it revoked: then the API stays closed."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM api_key LIMIT 1").fetchone() is not None

    def revoke(self, name_or_id: str) -> ApiKey:
        """Make a key count no more, from the next request on; return it.

        Raises
        ------
        AccessError
            No key that is not revoked has this name or id.
        StorageError
            It could not be written.
        """
        with self._database.writing() as connection:
            row = connection.execute(_NAMED, (name_or_id, name_or_id)).fetchone()
            if row is None:
                raise AccessError(
                    "access.no_such_key",
                    "no key that counts has the name or id {name}",
                    name=ascii(name_or_id[:64]),
                )
            found = _key(row)
            connection.execute(
                "UPDATE api_key SET revoked_at = ? WHERE id = ?",
                (self._now().isoformat(), found.id),
            )
        return found

    def authenticate(self, presented: str) -> ApiKey:
        """Return the key that was presented.

        Raises
        ------
        UnauthenticatedError
            It is no key, or one that expired or was revoked.
        StorageError
            The keys cannot be read.
        """
        parts = _PRESENTED.fullmatch(presented)
        key_id, secret = ("", "") if parts is None else parts.groups()
        with self._database.reading() as connection:
            row = connection.execute(_BY_ID, (key_id,)).fetchone()
        known = _NOBODY if row is None else row[-1]
        if not hmac.compare_digest(_digest(secret), known):
            raise UnauthenticatedError("access.unknown_key", "the API key is not known")
        # only who has the secret is told what became of the key
        return self._standing(_key(row[:-1]))

    def standing(self, key_id: str) -> ApiKey:
        """Return a key that was authenticated before, if it still counts.

        Raises
        ------
        UnauthenticatedError
            It does not: it expired or was revoked since.
        StorageError
            The keys cannot be read.
        """
        with self._database.reading() as connection:
            row = connection.execute(_BY_ID, (key_id,)).fetchone()
        if row is None:
            raise UnauthenticatedError("access.unknown_key", "the API key is not known")
        return self._standing(_key(row[:-1]))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _standing(self, found: ApiKey) -> ApiKey:
        if found.revoked_at is not None:
            raise UnauthenticatedError("access.revoked", "the API key was revoked")
        now = self._now()
        if found.expires_at is not None and found.expires_at <= now:
            raise UnauthenticatedError(
                "access.expired",
                "the API key expired at {at}",
                at=found.expires_at.isoformat(timespec="seconds"),
            )
        self._note_use(found, now)
        return found

    def _note_use(self, key: ApiKey, now: datetime) -> None:
        if key.last_used_at is not None and abs(now - key.last_used_at) < _LAST_USED_STEP:
            return
        try:
            with self._database.writing() as connection:
                connection.execute(
                    "UPDATE api_key SET last_used_at = ? WHERE id = ?", (now.isoformat(), key.id)
                )
        except BackendError as exc:
            # a full disk is no reason to turn the owner away
            _logger.warning("the use of key %s was not noted: %s", key.id, exc)


def _digest(secret: str) -> bytes:
    # 256 random bits cannot be guessed; a slow hash is for what people think up
    return hashlib.sha256(secret.encode()).digest()


def _key(row: sqlite3.Row) -> ApiKey:
    key_id, name, roles, created_at, expires_at, last_used_at, revoked_at, rate_per_minute = row
    return ApiKey(
        id=key_id,
        name=name,
        roles=frozenset(Role(role) for role in roles.split()),
        created_at=datetime.fromisoformat(created_at),
        expires_at=_time(expires_at),
        last_used_at=_time(last_used_at),
        revoked_at=_time(revoked_at),
        rate_per_minute=rate_per_minute,
    )


def _time(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)
