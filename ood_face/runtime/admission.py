"""Let a bounded number of requests in, let a bounded number wait, refuse the rest at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from ood_face.errors import BusyError
from ood_face.ports.departure import CALLER
from ood_face.runtime.cores import Cores
from ood_face.types import AdmissionLoad

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BoundedAdmission"]


class _Turn(threading.Event):
    """Set when the wait is over: a place is handed to it, or its caller has left."""

    left = False


class BoundedAdmission:
    """See :class:`ood_face.ports.Admission`; who has waited longest is let in first.

    Who waits for a caller that leaves (:data:`ood_face.ports.departure.CALLER`) gives its turn up.

    Parameters
    ----------
    workers : requests inside at once
    queue_size : requests that may wait; 0: nobody waits
    timeout_s : longest wait
    """

    def __init__(self, workers: int, queue_size: int, timeout_s: float) -> None:
        self._workers = workers
        self._cores = Cores()
        self._queue_size = queue_size
        self._timeout_s = timeout_s
        # guards all below; never held while anybody waits or works
        self._counting = threading.Lock()
        self._at_work = 0
        # since when each is inside, in the order of coming
        self._since_s: dict[object, float] = {}
        # each is set when a place is handed to it; while one waits, no place is free
        self._queue: deque[_Turn] = deque()
        self._refused_full = 0
        self._refused_late = 0

    @property
    def load(self) -> AdmissionLoad:
        """Who is in and who waits right now, and how many were refused so far."""
        with self._counting:
            since_s = next(iter(self._since_s.values()), None)
            return AdmissionLoad(
                at_work=self._at_work,
                waiting=len(self._queue),
                workers=self._workers,
                queue_size=self._queue_size,
                refused_full=self._refused_full,
                refused_late=self._refused_late,
                longest_s=0.0 if since_s is None else time.monotonic() - since_s,
            )

    def check_room(self) -> None:
        """Return if a request that came now would be let in or could wait.

        Raises
        ------
        BusyError
            The queue is full; that counts as a refusal.
        """
        with self._counting:
            if self._at_work >= self._workers:
                self._check_queue()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait for a place and hold it.

        Raises
        ------
        BusyError
            The queue is full, or no place came free in time.
        """
        self._enter()
        guest = object()
        with self._counting:
            self._since_s[guest] = time.monotonic()
        try:
            with self._cores.apart():
                yield
        finally:
            self._leave(guest)

    def _enter(self) -> None:
        with self._counting:
            if self._at_work < self._workers:
                self._at_work += 1
                return
            self._check_queue()
            turn = _Turn()
            self._queue.append(turn)
        caller = CALLER.get()
        with nullcontext() if caller is None else caller.told(partial(self._give_up, turn)):
            waited = turn.wait(self._timeout_s)
        with self._counting:
            if turn.left:
                raise BusyError("busy.left", "the caller left while the request waited")
            if waited or turn.is_set():  # in the last moment
                return
            self._queue.remove(turn)
            self._refused_late += 1
        raise BusyError(
            "busy.timeout",
            "no worker came free within {limit_s} seconds; try again later",
            limit_s=self._timeout_s,
        )

    def _give_up(self, turn: _Turn) -> None:
        with self._counting:
            if turn in self._queue:
                self._queue.remove(turn)
                turn.left = True
                turn.set()

    def _leave(self, guest: object) -> None:
        with self._counting:
            del self._since_s[guest]
            if self._queue:
                # handed on, so that nobody who has just come takes it
                self._queue.popleft().set()
            else:
                self._at_work -= 1

    def _check_queue(self) -> None:
        if len(self._queue) >= self._queue_size:
            self._refused_full += 1
            raise BusyError(
                "busy.queue_full",
                "all workers are busy and {limit} requests wait already; try again later",
                limit=self._queue_size,
            )
