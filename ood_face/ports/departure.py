"""Whether the caller of the work at hand is still there to take its answer."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CALLER", "Departure"]


class Departure:
    """Tells those who wait on a caller's behalf that it has left; safe in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = False
        self._told: dict[object, Callable[[], None]] = {}

    def leave(self) -> None:
        """Note that the caller has left, and tell it to everyone who waits for that."""
        with self._lock:
            self._left = True
            told = list(self._told.values())
        for tell in told:
            tell()

    @contextmanager
    def told(self, tell: Callable[[], None]) -> Iterator[None]:
        """Call ``tell`` once when the caller leaves, or now if it has, until the block ends."""
        key = object()
        with self._lock:
            left = self._left
            self._told[key] = tell
        if left:
            tell()
        try:
            yield
        finally:
            with self._lock:
                del self._told[key]


# of the request that this task or thread works for; None: of nobody who could leave
CALLER: ContextVar[Departure | None] = ContextVar("caller", default=None)
