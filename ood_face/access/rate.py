"""How many requests a key may make."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RateLimiter"]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at_s: float


class RateLimiter:
    """A bucket of tokens for each key, in memory; safe to call from several threads.

    A key that rested may make a minute's requests at once; then they come at an even rate.

    Parameters
    ----------
    per_minute : the limit of a key that has no own
    clock : monotonic, seconds
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key_id: str, per_minute: int | None = None) -> None:
        """Count one request of a key.

        Parameters
        ----------
        key_id : of a key that was authenticated
        per_minute : its own limit; None: the common one

        Raises
        ------
        RateLimitError
            It has none left; its value ``retry_after_s`` says when it has one again.
        """
        limit = self._per_minute if per_minute is None else per_minute
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault(key_id, _Bucket(limit, now))
            grown = bucket.tokens + (now - bucket.filled_at_s) * limit / 60
            bucket.tokens = min(float(limit), grown)
            bucket.filled_at_s = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return
            wait_s = (1 - bucket.tokens) * 60 / limit
        raise RateLimitError(
            "access.rate_limit",
            "this key has used up its {limit} requests a minute; try again in "
            "{retry_after_s:.1f} seconds",
            limit=limit,
            retry_after_s=wait_s,
        )
