"""Long work behind the page: a few at a time, watched and stopped by the visitor who began it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ood_face.errors import BackendError, BusyError, InputError, OodFaceError
from webui.job_progress import JobCancelled, JobState, JobView, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Jobs"]

# results and work whose page asks no more are forgotten after this
_LIVES_S = 900.0
# one visitor cannot fill the queue alone
_UNFINISHED_EACH = 2
_CLOSE_WAIT_S = 5.0

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    session: str
    work: Callable[[Progress], object]
    release: Callable[[], object] | None
    seen_s: float
    progress: Progress = field(default_factory=Progress)
    state: JobState = JobState.WAITING
    result: Any = None
    error: OodFaceError | None = None


class Jobs:
    """The server's jobs; safe to call from several threads.

    Parameters
    ----------
    at_work : so many run at once
    waiting : so many more may wait for their turn
    lives_s : seconds after which a job that nobody looks at is cancelled and forgotten
    seconds : a clock that never goes back
    """

    def __init__(
        self,
        at_work: int = 2,
        waiting: int = 8,
        lives_s: float = _LIVES_S,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_work, self._most_waiting, self._lives_s = at_work, waiting, lives_s
        self._seconds = seconds
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._waiting: deque[_Job] = deque()
        self._running: dict[_Job, threading.Thread] = {}

    def start(
        self,
        session: str,
        work: Callable[[Progress], object],
        release: Callable[[], object] | None = None,
    ) -> str:
        """Begin work, now or when it is its turn; return the id that its visitor asks with.

        Parameters
        ----------
        session : of the visitor's page
        work : returns the result; looks at ``Progress.cancelled`` now and then
        release : called once when the job ends, also one that never began

        Raises
        ------
        BusyError
            Too many wait already, or this visitor's own.
        """
        try:
            job_id = self._accept(_Job(session, work, release, self._seconds()))
        except BusyError:
            _call(release)
            raise
        return job_id

    def look(self, session: str, job_id: str) -> JobView:
        """Return how a job is.

        Raises
        ------
        InputError
            This visitor has no such job, or it was forgotten.
        """
        with self._lock:
            job = self._of(session, job_id)
            job.seen_s = self._seconds()
            ahead = self._waiting.index(job) if job in self._waiting else 0
            return JobView(job.state, job.progress.step, ahead, job.result, job.error)

    def collect(self, session: str, job_id: str) -> JobView:
        """Return how a job is, and forget it if it has ended; see :meth:`look`."""
        view = self.look(session, job_id)
        if view.ended:
            with self._lock:
                self._jobs.pop(job_id, None)
        return view

    def cancel(self, session: str, job_id: str) -> None:
        """Ask a job to end; it says so itself when it has; see :meth:`look`."""
        with self._lock:
            job = self._of(session, job_id)
        self._stop([job])

    def forget(self, session: str) -> None:
        """Cancel and forget everything of a page that was closed."""
        self._drop(lambda job: job.session == session)

    def sweep(self) -> None:
        """Cancel and forget what nobody has looked at for too long."""
        now = self._seconds()
        self._drop(lambda job: now - job.seen_s >= self._lives_s)

    def close(self) -> None:
        """Cancel everything and wait a little for what runs to end."""
        self._drop(lambda _: True)
        with self._lock:
            threads = list(self._running.values())
        until = time.monotonic() + _CLOSE_WAIT_S
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))

    def _accept(self, job: _Job) -> str:
        with self._lock:
            theirs = [other for other in self._unfinished() if other.session == job.session]
            if len(theirs) >= _UNFINISHED_EACH:
                raise BusyError(
                    "job.yours",
                    "{limit} of your own tasks are at work already; wait for one to end, or "
                    "cancel it",
                    limit=_UNFINISHED_EACH,
                )
            if len(self._running) >= self._at_work:
                if len(self._waiting) >= self._most_waiting:
                    raise BusyError(
                        "job.full",
                        "other visitors' tasks take all the places and {limit} more are waiting; "
                        "try again in a few minutes",
                        limit=self._most_waiting,
                    )
                self._waiting.append(job)
            else:
                self._begin(job)
            job_id = secrets.token_urlsafe(16)
            self._jobs[job_id] = job
            return job_id

    def _unfinished(self) -> Iterator[_Job]:
        yield from self._waiting
        yield from self._running

    def _of(self, session: str, job_id: str) -> _Job:
        job = self._jobs.get(job_id)
        if job is None or job.session != session:
            raise InputError(
                "job.gone",
                "this task is not known any more: tasks are forgotten when their page is closed, "
                "or after {minutes} minutes without it",
                minutes=round(self._lives_s / 60),
            )
        return job

    def _drop(self, meant: Callable[[_Job], bool]) -> None:
        with self._lock:
            dropped = {key: job for key, job in self._jobs.items() if meant(job)}
            for key in dropped:
                del self._jobs[key]
        self._stop(list(dropped.values()))

    def _stop(self, jobs: list[_Job]) -> None:
        never_begun = []
        with self._lock:
            for job in jobs:
                job.progress.cancel()
                if job in self._waiting:
                    self._waiting.remove(job)
                    job.state = JobState.CANCELLED
                    never_begun.append(job)
        for job in never_begun:
            _call(job.release)

    def _begin(self, job: _Job) -> None:
        # the lock is held
        job.state = JobState.WORKING
        thread = threading.Thread(target=self._run, args=(job,), name="page-job", daemon=True)
        self._running[job] = thread
        thread.start()

    def _run(self, job: _Job) -> None:
        # what it says of itself where a defect of ours ends it; the log has the traceback
        state, result = JobState.FAILED, None
        error: OodFaceError | None = BackendError(
            "job.failed", "the task was stopped by a fault of the server; its log says which"
        )
        try:
            result = job.work(job.progress)
            state, error = JobState.DONE, None
        except JobCancelled:
            error = None
        except OodFaceError as exc:
            _logger.warning("a task of the page failed: %s", exc.key)
            error = exc
        finally:
            if job.progress.cancelled and error is None:
                state = JobState.CANCELLED
            try:
                _call(job.release)
            finally:
                self._finish(job, state, result, error)

    def _finish(
        self, job: _Job, state: JobState, result: object, error: OodFaceError | None
    ) -> None:
        with self._lock:
            # the work holds pictures: it is let go of
            job.work, job.release = _nothing, None
            job.state, job.result, job.error = state, result, error
            job.seen_s = self._seconds()
            del self._running[job]
            if self._waiting:
                self._begin(self._waiting.popleft())


def _nothing(_progress: Progress) -> None:
    pass


def _call(release: Callable[[], object] | None) -> None:
    if release is not None:
        release()
