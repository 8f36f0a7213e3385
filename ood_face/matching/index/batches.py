"""Requests of several threads, answered together."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["Batches"]


@dataclass(slots=True, eq=False)
class _Request:
    features: NDArray[np.float32]
    count: int
    found: Found = field(init=False)
    error: BaseException | None = None
    done: bool = False


class Batches:
    """Searches at once for all threads that wait.

    A thread that comes while fewer than ``workers`` are at work searches right away, for all who
    wait: nobody waits for company, and under load a batch is as large as what came meanwhile.

    Parameters
    ----------
    search : answers any number of probes; see :class:`~.vectors.Vectors`
    workers : at most so many threads search
    most : at most so many requests are answered together
    """

    def __init__(
        self, search: Callable[[NDArray[np.float32], int], Found], workers: int, most: int
    ) -> None:
        self._search = search
        self._workers = workers
        self._most = most
        self._changed = threading.Condition()
        self._waiting: list[_Request] = []
        self._working = 0

    @property
    def waiting(self) -> int:
        """How many requests nobody works on yet."""
        return len(self._waiting)

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return what the search finds for these probes; raise what it raises."""
        request = _Request(features, count)
        with self._changed:
            self._waiting.append(request)
        while batch := self._batch_unless_done(request):
            self._answer(batch)
        if request.error is not None:
            raise request.error
        return request.found

    def _batch_unless_done(self, request: _Request) -> list[_Request]:
        # what to answer now, this request or those before it; nothing: it has its answer
        with self._changed:
            while not request.done and (
                self._working >= self._workers or request not in self._waiting
            ):
                self._changed.wait()
            if request.done:
                return []
            self._working += 1
            batch = self._waiting[: self._most]
            del self._waiting[: self._most]
            return batch

    def _answer(self, batch: list[_Request]) -> None:
        try:
            count = max(request.count for request in batch)
            features = np.concatenate([request.features for request in batch])
            similarities, ids = self._search(features, count)
            start = 0
            for request in batch:
                part = slice(start, start + len(request.features))
                request.found = similarities[part], ids[part]
                start = part.stop
        except BaseException as exc:
            for request in batch:
                request.error = exc
            raise
        finally:
            with self._changed:
                self._working -= 1
                for request in batch:
                    request.done = True
                self._changed.notify_all()
