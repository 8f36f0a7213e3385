"""How often an address may show keys that do not count."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from ood_face.access.hosts import network_of
from ood_face.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WrongKeys"]

PER_MINUTE = 30
# addresses remembered; the one that came longest ago is forgotten first
_MOST_ADDRESSES = 10_000


class WrongKeys:
    """A bucket of tokens for each address, in memory; safe to call from several threads.

    A key of 256 random bits cannot be guessed; this ends the trying, and tells a program that was
    set up wrongly to slow down. Who shows a key that counts is let in whatever others at the same
    address do: nobody can lock out a building.

    Parameters
    ----------
    per_minute : so many, at once or evenly
    clock : monotonic, seconds
    """

    def __init__(
        self, per_minute: int = PER_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        # tokens, and when there were so many
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, address: str) -> None:
        """Count one wrong key.

        Parameters
        ----------
        address : whence it came; of IPv6, a network of 64 bits counts as one

        Raises
        ------
        RateLimitError
            There were too many; its value ``retry_after_s`` says when there is room again.
        """
        limit = self._per_minute
        network = network_of(address)
        with self._lock:
            now = self._clock()
            tokens, then = self._left.pop(network, (float(limit), now))
            tokens = min(float(limit), tokens + (now - then) * limit / 60)
            allowed = tokens >= 1
            self._left[network] = (tokens - 1 if allowed else tokens), now
            while len(self._left) > _MOST_ADDRESSES:
                self._left.popitem(last=False)
        if not allowed:
            raise RateLimitError(
                "access.wrong_keys",
                "more than {limit} wrong API keys a minute from one address; try again in "
                "{retry_after_s:.1f} seconds",
                limit=limit,
                retry_after_s=(1 - tokens) * 60 / limit,
            )
