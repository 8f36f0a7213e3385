"""Several threads at the parts of one piece of work."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from ood_face.cores import keep_off, staying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Crew", "Crews"]

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


class Crew:
    """A caller's thread and those that help it; for one caller at a time.

    While they work, the caller stays on its core and the helpers off it: without that, two threads
    sometimes took as long as one (see :mod:`ood_face.cores`).

    Parameters
    ----------
    threads : that work for the caller, itself among them
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._ids: list[int] = []
        self._avoided = -1
        self._helpers: ThreadPoolExecutor | None = None
        if threads > 1:
            started = threading.Barrier(threads)

            def note() -> None:
                self._ids.append(threading.get_native_id())
                started.wait()

            self._helpers = ThreadPoolExecutor(threads - 1, "crew")
            for _ in range(threads - 1):
                self._helpers.submit(note)
            started.wait()

    def each(self, work: Callable[[_Part], _Done], parts: Sequence[_Part]) -> list[_Done]:
        """Return what ``work`` makes of each part, in order; all are done when this returns."""
        if self._helpers is None or len(parts) < 2:
            return [work(part) for part in parts]
        with staying() as core:
            self._make_way(core)
            others = [self._helpers.submit(work, part) for part in parts[1:]]
            try:
                first = work(parts[0])
            finally:
                wait(others)
        return [first, *(other.result() for other in others)]

    def shares(self, count: int, smallest: int) -> list[slice]:
        """Divide ``count`` things among the threads, none of which gets less than ``smallest``."""
        parts = max(1, min(self.threads, count // smallest))
        edges = [count * part // parts for part in range(parts + 1)]
        return [slice(*edge) for edge in pairwise(edges)]

    def _make_way(self, core: int) -> None:
        if core == self._avoided:
            return
        kept_off = [keep_off({core}, helper) for helper in self._ids]
        if all(kept_off):
            self._avoided = core


class Crews:
    """As many crews as there are callers at once; safe to use from several threads.

    Parameters
    ----------
    threads : of each crew; 1: every caller works alone, and none waits
    callers : that are helped at once; further ones wait
    """

    def __init__(self, threads: int = 1, callers: int = 1) -> None:
        # last in, first out: the crew whose threads ran last
        self._idle: queue.LifoQueue[Crew] | None = None
        if threads > 1:
            self._idle = queue.LifoQueue()
            for _ in range(callers):
                self._idle.put(Crew(threads))

    @contextmanager
    def taken(self) -> Iterator[Crew]:
        """Wait for a crew, and have it alone."""
        if self._idle is None:
            yield Crew()
            return
        crew = self._idle.get()
        try:
            yield crew
        finally:
            self._idle.put(crew)
