"""Keys and audit log of a data folder that a server may be using: looked at, left as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ood_face.access import audit, keys
from ood_face.storage import looking

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KeyCounts", "count_keys", "newest_event"]


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """How many keys there are.

    Attributes
    ----------
    made : ever
    standing : that count, neither revoked nor expired
    """

    made: int
    standing: int


def count_keys(folder: Path, now: datetime | None = None) -> KeyCounts:
    """Return how many keys a data folder has.

    Parameters
    ----------
    folder : the data folder
    now : with a time zone; None: the clock's

    Raises
    ------
    StorageError
        They cannot be read.
    """
    path = folder / keys.FILE
    if not path.exists():
        return KeyCounts(0, 0)
    at = (datetime.now(UTC) if now is None else now).astimezone(UTC)
    with looking(path, keys.VERSION) as connection:
        ends = connection.execute("SELECT expires_at, revoked_at FROM api_key").fetchall()
    standing = [
        expires
        for expires, revoked in ends
        if revoked is None and (expires is None or datetime.fromisoformat(expires) > at)
    ]
    return KeyCounts(len(ends), len(standing))


def newest_event(folder: Path) -> datetime | None:
    """Return when the newest event of the audit log was recorded, UTC; None: there is none.

    Raises
    ------
    StorageError
        It cannot be read.
    """
    path = folder / audit.FILE
    if not path.exists():
        return None
    with looking(path, audit.VERSION) as connection:
        (newest,) = connection.execute("SELECT max(at) FROM event").fetchone()
    return None if newest is None else datetime.fromisoformat(newest)
