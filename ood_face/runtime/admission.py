"""Let a bounded number of requests in, let a bounded number wait, refuse the rest at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import BusyError
from ood_face.types import AdmissionLoad

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
        self._workers = workers
        self._queue_size = queue_size
        self._timeout_s = timeout_s
        # guards the numbers below; never held while anybody waits or works
        self._counting = threading.Lock()
        self._at_work = 0
        self._waiting = 0
        self._refused_full = 0
        self._refused_late = 0

    @property
    def load(self) -> AdmissionLoad:
        """Who is in and who waits right now, and how many were refused so far."""
        with self._counting:
            return AdmissionLoad(
                at_work=self._at_work,
                waiting=self._waiting,
                workers=self._workers,
                queue_size=self._queue_size,
                refused_full=self._refused_full,
                refused_late=self._refused_late,
            )

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
        with self._counting:
            self._at_work += 1
        try:
            yield
        finally:
            # first, so that never more are seen at work than there are places
            with self._counting:
                self._at_work -= 1
            self._places.release()

    def _wait(self) -> None:
        with self._counting:
            if self._waiting >= self._queue_size:
                self._refused_full += 1
                raise BusyError(
                    "busy.queue_full",
                    "all workers are busy and {limit} requests wait already; try again later",
                    limit=self._queue_size,
                )
            self._waiting += 1
        admitted = False
        try:
            admitted = self._places.acquire(timeout=self._timeout_s)
        finally:
            with self._counting:
                self._waiting -= 1
                self._refused_late += not admitted
        if not admitted:
            raise BusyError(
                "busy.timeout",
                "no worker came free within {limit_s} seconds; try again later",
                limit_s=self._timeout_s,
            )
