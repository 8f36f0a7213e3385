"""Requests that are worked at side by side, each on a core of its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.cores import anywhere, current_core, keep_off

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cores"]


class Cores:
    """Who is on which core; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, int] = {}

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep the calling thread off the cores of those that are inside as well.

        Where there are more of them than cores, it runs where the system puts it. A thread that is
        started inside inherits this: see :func:`ood_face.cores.anywhere`.
        """
        me = threading.get_native_id()
        with self._lock:
            others = set(self._taken.values())
            kept_off = bool(others) and keep_off(others)
            self._taken[me] = current_core()
        try:
            yield
        finally:
            with self._lock:
                self._taken.pop(me, None)
            if kept_off:
                anywhere()
