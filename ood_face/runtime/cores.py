"""Requests that are worked at side by side, each on a core of its own."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.cores import anywhere, current_core, keep_on

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cores"]


class Cores:
    """Who is on which core; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # a core for each thread inside, as long as there are enough
        self._taken: dict[int, int] = {}
        self._kept: set[int] = set()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep the calling thread on another core than those that are inside as well.

        Who is alone runs anywhere until the second one comes. Where there are more of them than
        cores, the last ones run where the system puts them. A thread that is started inside
        inherits this: see :func:`ood_face.cores.anywhere`.
        """
        me = threading.get_native_id()
        with self._lock:
            self._enter(me)
        try:
            yield
        finally:
            with self._lock:
                self._taken.pop(me, None)
                if me in self._kept:
                    self._kept.remove(me)
                    anywhere()

    def _enter(self, me: int) -> None:
        free = os.sched_getaffinity(0) - set(self._taken.values())
        if not free:
            return
        here = current_core()
        self._taken[me] = here if here in free else min(free)
        if len(self._taken) > 1:
            for thread in self._taken.keys() - self._kept:
                if keep_on({self._taken[thread]}, thread):
                    self._kept.add(thread)
