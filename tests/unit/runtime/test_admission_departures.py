"""Who waits for a caller that leaves."""

from __future__ import annotations

import threading
import time

import pytest

from ood_face.errors import BusyError
from ood_face.ports.departure import CALLER, Departure
from ood_face.runtime import BoundedAdmission


class Waiting(threading.Thread):
    """Asks for a place on behalf of a caller, and says what came of it."""

    def __init__(self, admission, caller):
        super().__init__()
        self._admission = admission
        self._caller = caller
        self.outcome = None
        self.start()

    def run(self):
        CALLER.set(self._caller)
        try:
            with self._admission.admit():
                self.outcome = "let in"
        except BusyError as exc:
            self.outcome = exc.key


def wait_for_queue(admission, count):
    deadline = time.monotonic() + 5
    while admission.load.waiting != count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_whoever_waits_for_a_caller_that_leaves_gives_its_turn_up():
    admission = BoundedAdmission(1, 2, 30.0)
    leaving, staying = Departure(), Departure()
    with admission.admit():
        first = Waiting(admission, leaving)
        wait_for_queue(admission, 1)
        second = Waiting(admission, staying)
        wait_for_queue(admission, 2)
        leaving.leave()
        first.join(5)
        assert first.outcome == "busy.left"
        assert admission.load.waiting == 1
        # the place in the queue is another's now
        third = Waiting(admission, None)
        wait_for_queue(admission, 2)
    for one in (second, third):
        one.join(5)
        assert one.outcome == "let in"
    assert (admission.load.at_work, admission.load.waiting) == (0, 0)
    assert admission.load.refused_late == 0


def test_nobody_begins_to_wait_for_a_caller_that_has_left():
    admission = BoundedAdmission(1, 2, 30.0)
    left = Departure()
    left.leave()
    with admission.admit():
        late = Waiting(admission, left)
        late.join(5)
    assert late.outcome == "busy.left"


def test_a_caller_that_leaves_at_work_changes_nothing():
    admission = BoundedAdmission(1, 0, 30.0)
    caller = Departure()
    token = CALLER.set(caller)
    try:
        with admission.admit():
            caller.leave()
            assert admission.load.at_work == 1
    finally:
        CALLER.reset(token)
    assert admission.load.at_work == 0


def test_who_stopped_waiting_is_told_nothing_any_more():
    caller, told = Departure(), []
    with caller.told(lambda: told.append("inside")):
        pass
    caller.leave()
    assert told == []
    with caller.told(lambda: told.append("after")):
        assert told == ["after"]


@pytest.mark.parametrize("places", [0, 3])
def test_a_departure_in_the_last_moment_leaves_the_places_right(places):
    # the place is handed on and the caller leaves at the same time, again and again
    admission = BoundedAdmission(1, 50, 30.0)
    for _ in range(100):
        callers = [Departure() for _ in range(places + 1)]
        with admission.admit():
            waiting = [Waiting(admission, caller) for caller in callers]
            wait_for_queue(admission, len(waiting))
            leaver = threading.Thread(target=callers[0].leave)
            leaver.start()
        for one in (leaver, *waiting):
            one.join(5)
        assert waiting[0].outcome in ("let in", "busy.left")
        assert {one.outcome for one in waiting[1:]} <= {"let in"}
        assert (admission.load.at_work, admission.load.waiting) == (0, 0)
