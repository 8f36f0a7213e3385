"""Who is signed in at the page: tokens of browsers, kept as hashes, in memory alone."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SESSION_S", "Attempts", "Sessions"]

SESSION_S = 12 * 3600
# as many browsers are signed in at once; the oldest session ends first
_MOST_SESSIONS = 1000
_TOKEN_BYTES = 32

# failures within this time count
_WINDOW_S = 15 * 60
_FREE_FAILURES = 2
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 8.0
_MOST_FAILURES = 20
# addresses remembered; the one that failed longest ago is forgotten first
_MOST_ADDRESSES = 10_000


class Sessions:
    """The sessions of one server; safe to call from several threads. A restart ends them all.

    Parameters
    ----------
    clock : monotonic, seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def begin(self, key_id: str) -> str:
        """Return the token of a new session for a key that was authenticated."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._ends[_digest(token)] = key_id, self._clock() + SESSION_S
            while len(self._ends) > _MOST_SESSIONS:
                self._ends.popitem(last=False)
        return token

    def key_id(self, token: str) -> str | None:
        """Return whose session it is; None: there is no such session, or it is over."""
        digest = _digest(token)
        with self._lock:
            key_id, end = self._ends.get(digest, ("", 0.0))
            if not key_id:
                return None
            if end > self._clock():
                return key_id
            del self._ends[digest]
        return None

    def end(self, token: str) -> None:
        """End a session, if there is one."""
        with self._lock:
            self._ends.pop(_digest(token), None)


@dataclass(slots=True)
class _Failures:
    count: int
    last_s: float


class Attempts:
    """Slows down an address that shows wrong keys; safe to call from several threads.

    A key cannot be guessed; this keeps the log and the server from being flooded by trying.

    Parameters
    ----------
    clock : monotonic, seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, _Failures] = OrderedDict()

    def begin(self, address: str) -> float | None:
        """Count an attempt as failed until it succeeds; return how long to wait before it.

        Returns
        -------
        seconds; None: there were too many, it is refused
        """
        now = self._clock()
        with self._lock:
            found = self._failed.pop(address, None)
            if found is None or now - found.last_s > _WINDOW_S:
                found = _Failures(0, now)
            if found.count >= _MOST_FAILURES:
                # waiting is what helps: an attempt that is refused does not begin the time anew
                self._failed[address] = found
                return None
            found.count, found.last_s = found.count + 1, now
            self._failed[address] = found
            while len(self._failed) > _MOST_ADDRESSES:
                self._failed.popitem(last=False)
            before = found.count - 1
        if before < _FREE_FAILURES:
            return 0.0
        return min(_FIRST_WAIT_S * 2.0 ** (before - _FREE_FAILURES), _LONGEST_WAIT_S)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._lock:
            self._failed.pop(address, None)


def _digest(token: str) -> bytes:
    # 256 random bits need no slow hash
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
