"""Versions, ids and names that no other replica gives at the same time."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "from_us", "new_uid", "to_us", "uid_us"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# microseconds since 1970 need 51 bits until the year 2041; an id is a signed integer of 64
_RANDOM_BITS = 12
_UID_TIME_DIGITS = 14


def from_us(microseconds: int) -> datetime:
    """Return the time, in UTC, so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_us(moment: datetime) -> int:
    """Return the microseconds from 1970 to a time."""
    return (moment - _EPOCH) // _MICROSECOND


def new_uid(now_us: int) -> str:
    """Return a name of 22 hexadecimal digits; it sorts by time."""
    return f"{now_us:0{_UID_TIME_DIGITS}x}{secrets.token_hex(4)}"


def uid_us(uid: str) -> int:
    """Return when a uid was made, microseconds since 1970."""
    return int(uid[:_UID_TIME_DIGITS], 16)


class Clock:
    """Microseconds since 1970, each given once in a process; safe to call from several threads."""

    def __init__(self) -> None:
        self._last_us = 0
        self._lock = threading.Lock()

    def now_us(self, above: int = 0) -> int:
        """Return the time; later than ``above``, and than every time given before."""
        with self._lock:
            self._last_us = max(time.time_ns() // 1000, self._last_us + 1, above + 1)
            return self._last_us

    def template_id(self) -> int:
        """Return an id for a template.

        In one process no id comes twice. Two processes give the same one only where they ask in
        the same microsecond and 12 random bits agree: while each enrols 100 templates a second,
        once in 40 million.
        """
        return (self.now_us() << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
