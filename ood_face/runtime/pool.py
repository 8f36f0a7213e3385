"""What the engines share: the workers of a network, and the sentence in an engine's error."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ood_face.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ood_face.runtime.program import InputSpec

__all__ = ["PooledSession", "Worker", "WorkerPool", "check_pool", "first_line"]


class Worker(Protocol):
    """Runs a network, one call at a time."""

    def close(self) -> None:
        """Free what it holds; it is not used any more."""
        ...


_Worker = TypeVar("_Worker", bound=Worker)


class WorkerPool(Generic[_Worker]):
    """Workers that calls take and give back; safe to use from several threads.

    Parameters
    ----------
    workers : at least one
    """

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self.size = len(workers)
        # last in, first out: the worker whose memory is still in the processor's cache
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._closing = threading.Lock()
        self._closed = False
        for worker in workers:
            self._idle.put(worker)

    @contextmanager
    def taken(self) -> Iterator[_Worker]:
        """Wait for a worker, and have it alone.

        Raises
        ------
        BackendError
            The pool is closed.
        """
        worker = self._idle.get()
        try:
            if worker is None or self._closed:
                raise BackendError("runtime.closed", "the network was closed")
            yield worker
        finally:
            self._idle.put(worker)

    @contextmanager
    def several(self, most: int) -> Iterator[list[_Worker]]:
        """Have as many workers as are free, but no more than that; at least one, waited for.

        Raises
        ------
        BackendError
            The pool is closed.
        """
        with self.taken() as first:
            workers = [first]
            try:
                while len(workers) < most and (worker := self._free()) is not None:
                    workers.append(worker)
                yield workers
            finally:
                for worker in workers[1:]:
                    self._idle.put(worker)

    def _free(self) -> _Worker | None:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            return None
        if worker is None:  # the pool was closed: the next one who waits is to know
            self._idle.put(None)
        return worker

    def close(self) -> None:
        """Wait for the running calls and close the workers; later calls are refused."""
        self._closed = True
        # two who closed at once would wait for each other's workers
        with self._closing:
            for _ in range(self.size):
                worker = self._idle.get()
                if worker is None:
                    break
                worker.close()
            self._idle.put(None)


class PooledSession(Generic[_Worker]):
    """A network that is run by the workers of a pool; what both engines' sessions are.

    Parameters
    ----------
    workers : at least one
    specs : what the network takes, by name
    """

    def __init__(self, workers: Sequence[_Worker], specs: Mapping[str, InputSpec]) -> None:
        self._specs = dict(specs)
        self._pool = WorkerPool(workers)

    @property
    def workers(self) -> int:
        """How many calls run at once; further ones wait."""
        return self._pool.size

    @property
    def input_specs(self) -> Mapping[str, InputSpec]:
        """Name -> what that input accepts."""
        return dict(self._specs)

    def close(self) -> None:
        """Wait for the running calls and free what they used; later calls are refused."""
        self._pool.close()


def check_pool(workers: int, threads: int) -> None:
    """Refuse a pool that could not run anything.

    Raises
    ------
    BackendError
        There are less than one worker or one thread.
    """
    if workers < 1 or threads < 1:
        raise BackendError(
            "runtime.pool_size",
            "a network needs at least 1 worker and 1 thread, got {workers} and {threads}",
            workers=workers,
            threads=threads,
        )


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something; the error's class where none does.

    Paddle's messages carry C++ frames, ONNX Runtime's a trace: the sentence comes first.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
