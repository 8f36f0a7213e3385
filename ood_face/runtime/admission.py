"""Let a bounded number of requests in, let a bounded number wait, refuse the rest at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BoundedAdmission"]


class BoundedAdmission:
    """See :class:`ood_face.ports.Admission`.

    Parameters
    ----------
    workers : requests inside at once
    queue_size : requests that may wait; 0: nobody waits
    timeout_s : longest wait
    """

    def __init__(self, workers: int, queue_size: int, timeout_s: float) -> None:
        self._places = threading.Semaphore(workers)
        self._queue_size = queue_size
        self._waiting = 0
        self._counting = threading.Lock()
        self._timeout_s = timeout_s

    @property
    def waiting(self) -> int:
        """How many wait right now."""
        return self._waiting

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait for a place and hold it.

        Raises
        ------
        BusyError
            The queue is full, or no place came free in time.
        """
        if not self._places.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._places.release()

    def _wait(self) -> None:
        with self._counting:
            if self._waiting >= self._queue_size:
                raise BusyError(
                    "busy.queue_full",
                    "all workers are busy and {limit} requests wait already; try again later",
                    limit=self._queue_size,
                )
            self._waiting += 1
        try:
            if not self._places.acquire(timeout=self._timeout_s):
                raise BusyError(
                    "busy.timeout",
                    "no worker came free within {limit_s} seconds; try again later",
                    limit_s=self._timeout_s,
                )
        finally:
            with self._counting:
                self._waiting -= 1
