"""Several threads at the parts of one picture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Crew"]

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


class Crew:
    """The caller's thread and some that help it; safe to use from several threads.

    Parameters
    ----------
    threads : that work for one caller, itself among them
    callers : that are helped at once; further ones wait
    """

    def __init__(self, threads: int = 1, callers: int = 1) -> None:
        self.threads = threads
        helpers = callers * (threads - 1)
        self._helpers = ThreadPoolExecutor(helpers, "detection") if helpers else None

    def each(self, work: Callable[[_Part], _Done], parts: Sequence[_Part]) -> list[_Done]:
        """Return what ``work`` makes of each part, in order; all are done when this returns."""
        if self._helpers is None or len(parts) < 2:
            return [work(part) for part in parts]
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
