"""Background tasks of the page: a few at once, each its visitor's own."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ood_face.errors import BusyError, InputError, NoFaceError
from tests.fakes.clock import FakeClock
from webui.job_progress import JobState, Progress, Step
from webui.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 30.0


class Held:
    """Work that goes on until it is let go or cancelled."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self._free = threading.Event()

    def __call__(self, progress: Progress) -> str:
        progress.tell(1, 4, "first")
        self.begun.set()
        while not progress.cancelled and not self._free.wait(0.001):
            pass
        return "half" if progress.cancelled else "all"

    def let_go(self) -> None:
        self._free.set()

    def start(self, jobs: Jobs, session: str = "a") -> str:
        return jobs.start(session, self, self.released.set)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def jobs(clock) -> Iterator[Jobs]:
    with closing(Jobs(at_work=1, waiting=2, seconds=clock.seconds)) as jobs:
        yield jobs


def ended(held: Held) -> None:
    assert held.released.wait(PATIENCE_S)


def view_at_end(jobs: Jobs, job_id: str, session: str = "a"):
    """Wait for the job's thread to say its last word."""
    for thread in threading.enumerate():
        if thread.name == "page-job":
            thread.join(PATIENCE_S)
    return jobs.look(session, job_id)


def test_work_tells_how_far_it_is_and_then_its_result(jobs):
    held = Held()
    job_id = held.start(jobs)
    assert held.begun.wait(PATIENCE_S)

    working = jobs.look("a", job_id)
    assert (working.state, working.step, working.ended) == (
        JobState.WORKING, Step(1, 4, "first"), False,
    )  # fmt: skip
    held.let_go()
    done = view_at_end(jobs, job_id)
    assert (done.state, done.result, done.error) == (JobState.DONE, "all", None)
    assert held.released.is_set()


def test_what_was_done_until_it_was_cancelled_is_the_result(jobs):
    held = Held()
    job_id = held.start(jobs)
    assert held.begun.wait(PATIENCE_S)
    jobs.cancel("a", job_id)

    view = view_at_end(jobs, job_id)
    assert (view.state, view.result) == (JobState.CANCELLED, "half")


def test_work_with_nothing_to_show_ends_at_its_next_check(jobs):
    begun, go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        begun.set()
        go_on.wait(PATIENCE_S)
        progress.check()
        return "never"

    job_id = jobs.start("a", work)
    assert begun.wait(PATIENCE_S)
    jobs.cancel("a", job_id)
    go_on.set()

    view = view_at_end(jobs, job_id)
    assert (view.state, view.result, view.error) == (JobState.CANCELLED, None, None)


def test_the_next_one_waits_for_its_turn(jobs):
    first, second = Held(), Held()
    first.start(jobs)
    waiting = second.start(jobs, "b")
    assert jobs.look("b", waiting).state is JobState.WAITING
    assert not second.begun.is_set()

    first.let_go()
    assert second.begun.wait(PATIENCE_S)
    assert jobs.look("b", waiting).state is JobState.WORKING


def test_who_waits_learns_how_many_come_first(jobs):
    Held().start(jobs)
    Held().start(jobs, "b")

    assert jobs.look("c", Held().start(jobs, "c")).ahead == 1


def test_a_full_queue_refuses_and_lets_go_of_what_it_was_given(jobs):
    for session in "abc":
        Held().start(jobs, session)
    refused = Held()

    with pytest.raises(BusyError) as caught:
        refused.start(jobs, "d")
    assert caught.value.key == "job.full"
    assert refused.released.is_set()


def test_one_visitor_cannot_take_all_places(jobs):
    for _ in range(2):
        Held().start(jobs)

    with pytest.raises(BusyError) as caught:
        Held().start(jobs)
    assert caught.value.key == "job.yours"


def test_a_job_cancelled_before_its_turn_never_begins(jobs):
    Held().start(jobs)
    second = Held()
    waiting = second.start(jobs, "b")
    jobs.cancel("b", waiting)

    assert jobs.look("b", waiting).state is JobState.CANCELLED
    assert second.released.is_set()
    assert not second.begun.is_set()


def test_an_error_of_the_work_is_told(jobs):
    def work(_: Progress) -> None:
        raise NoFaceError("faces.none", "no face")

    view = view_at_end(jobs, jobs.start("a", work))
    assert (view.state, view.error.key) == (JobState.FAILED, "faces.none")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_ends_the_job_and_frees_its_place(jobs):
    def work(_: Progress) -> None:
        raise ZeroDivisionError

    view = view_at_end(jobs, jobs.start("a", work))
    assert (view.state, view.error.key) == (JobState.FAILED, "job.failed")
    held = Held()
    held.start(jobs)
    assert held.begun.wait(PATIENCE_S)


def test_nobody_sees_or_stops_anothers_job(jobs):
    job_id = Held().start(jobs)

    for ask in (jobs.look, jobs.collect, jobs.cancel):
        with pytest.raises(InputError) as caught:
            ask("b", job_id)
        assert caught.value.key == "job.gone"
    assert jobs.look("a", job_id).state is JobState.WORKING


def test_a_result_is_collected_once(jobs):
    held = Held()
    job_id = held.start(jobs)
    assert not jobs.collect("a", job_id).ended
    held.let_go()
    view_at_end(jobs, job_id)

    assert jobs.collect("a", job_id).result == "all"
    with pytest.raises(InputError):
        jobs.look("a", job_id)


def test_a_page_that_is_closed_stops_its_work(jobs):
    held = Held()
    job_id = held.start(jobs)
    jobs.forget("a")

    ended(held)
    with pytest.raises(InputError):
        jobs.look("a", job_id)


def test_what_nobody_asks_for_is_stopped_after_a_while(jobs, clock):
    held = Held()
    job_id = held.start(jobs)
    clock.advance(seconds=899)
    jobs.sweep()
    assert jobs.look("a", job_id).state is JobState.WORKING

    clock.advance(seconds=900)
    jobs.sweep()
    ended(held)
    with pytest.raises(InputError):
        jobs.look("a", job_id)


def test_closing_waits_once_for_all_that_does_not_end(monkeypatch):
    monkeypatch.setattr("webui.jobs._CLOSE_WAIT_S", 0.2)
    free = threading.Event()
    jobs = Jobs(at_work=4)
    for visitor in "abcd":
        jobs.start(visitor, lambda _: free.wait(PATIENCE_S))

    begun = time.monotonic()
    jobs.close()
    waited_s = time.monotonic() - begun
    free.set()

    # one after the other they would take four times as long
    assert 0.15 < waited_s < 0.6
