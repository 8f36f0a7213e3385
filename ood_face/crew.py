"""Several threads at the parts of one piece of work."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from ood_face.cores import anywhere, core_count, keep_off, staying
from ood_face.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Crew", "Crews", "shares"]

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


class Crew:
    """A caller's thread and those that help it; for one caller at a time.

    While they work, the caller stays on its core and the helpers off it: without that, two threads
    sometimes took as long as one (see :mod:`ood_face.cores`).

    Parameters
    ----------
    threads : that work for the caller, itself among them

    Attributes
    ----------
    team : what native functions take as the team that helps; 0: nobody does
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._team: Team | None = None
        self._team_off = _KeptOff([])
        self._helpers: ThreadPoolExecutor | None = None
        self._helpers_off = _KeptOff([])
        self.team = 0

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Hold helpers for native work ready: within, pieces of it follow each other closely."""
        # who waits awake on the caller's core is no help
        if self.threads == 1 or core_count() < self.threads:
            yield
            return
        if self._team is None:
            self._team = Team(self.threads - 1)
            self._team_off = _KeptOff(self._team.thread_ids)
        with staying() as core:
            self._team_off.keep(core)
            self._team.gather()
            self.team = self._team.address
            try:
                yield
            finally:
                self.team = 0
                self._team.rest()

    def each(self, work: Callable[[_Part], _Done], parts: Sequence[_Part]) -> list[_Done]:
        """Return what ``work`` makes of each part, in order; all are done when this returns."""
        if self.threads == 1 or len(parts) < 2:
            return [work(part) for part in parts]
        helpers = self._helpers or self._started()
        with staying() as core:
            self._helpers_off.keep(core)
            others = [helpers.submit(work, part) for part in parts[1:]]
            try:
                first = work(parts[0])
            finally:
                wait(others)
        return [first, *(other.result() for other in others)]

    def shares(self, count: int, smallest: int) -> list[slice]:
        """Divide ``count`` things among the threads, none of which gets less than ``smallest``."""
        return shares(self.threads, count, smallest)

    def _started(self) -> ThreadPoolExecutor:
        started = threading.Barrier(self.threads)
        ids: list[int] = []

        def note() -> None:
            ids.append(threading.get_native_id())
            started.wait()

        self._helpers = ThreadPoolExecutor(self.threads - 1, "crew", anywhere)
        for _ in range(self.threads - 1):
            self._helpers.submit(note)
        started.wait()
        self._helpers_off = _KeptOff(ids)
        return self._helpers


class _KeptOff:
    # helpers that are kept off the core where the caller is

    def __init__(self, threads: Sequence[int]) -> None:
        self._threads = threads
        self._avoided = -1

    def keep(self, core: int) -> None:
        if core == self._avoided:
            return
        kept_off = [keep_off({core}, thread) for thread in self._threads]
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
        self._alone = Crew()
        if threads > 1:
            self._idle = queue.LifoQueue()
            for _ in range(callers):
                self._idle.put(Crew(threads))

    @contextmanager
    def taken(self) -> Iterator[Crew]:
        """Wait for a crew, and have it alone."""
        if self._idle is None:
            yield self._alone
            return
        crew = self._idle.get()
        try:
            yield crew
        finally:
            self._idle.put(crew)


def shares(parts: int, count: int, smallest: int) -> list[slice]:
    """Divide things into up to so many parts, none of which gets less than ``smallest``."""
    parts = max(1, min(parts, count // smallest))
    edges = [count * part // parts for part in range(parts + 1)]
    return [slice(*edge) for edge in pairwise(edges)]
