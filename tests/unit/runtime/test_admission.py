from __future__ import annotations

import threading
import time

import pytest

from ood_face.errors import BusyError
from ood_face.runtime import BoundedAdmission
from ood_face.types import AdmissionLoad


class Guest(threading.Thread):
    """Enters, says so, and stays until told to leave."""

    def __init__(self, admission):
        super().__init__()
        self._admission = admission
        self.inside = threading.Event()
        self.may_leave = threading.Event()

    def run(self):
        with self._admission.admit():
            self.inside.set()
            self.may_leave.wait(10)


@pytest.fixture
def guests():
    started = []

    def start(admission):
        guest = Guest(admission)
        guest.start()
        started.append(guest)
        return guest

    yield start
    for guest in started:
        guest.may_leave.set()
        guest.join(10)


def wait_for_queue(admission, count):
    deadline = time.monotonic() + 5
    while admission.load.waiting < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_as_many_as_there_are_workers_are_inside_at_once(guests):
    admission = BoundedAdmission(2, 5, 5.0)
    first, second, third = (guests(admission) for _ in range(3))
    inside = [guest for guest in (first, second, third) if guest.inside.wait(1)]
    assert len(inside) == 2
    inside[0].may_leave.set()
    assert all(guest.inside.wait(5) for guest in (first, second, third))


def test_past_the_queue_the_answer_comes_at_once(guests):
    admission = BoundedAdmission(1, 1, 60.0)
    assert guests(admission).inside.wait(5)
    guests(admission)
    wait_for_queue(admission, 1)
    began = time.monotonic()
    with pytest.raises(BusyError) as caught, admission.admit():
        pytest.fail("was let in")
    assert caught.value.key == "busy.queue_full"
    assert time.monotonic() - began < 5


def test_nobody_waits_longer_than_the_timeout(guests):
    admission = BoundedAdmission(1, 1, 0.05)
    assert guests(admission).inside.wait(5)
    with pytest.raises(BusyError) as caught, admission.admit():
        pytest.fail("was let in")
    assert caught.value.key == "busy.timeout"
    assert admission.load.waiting == 0


def test_without_a_queue_a_free_worker_is_still_given():
    admission = BoundedAdmission(1, 0, 1.0)
    with admission.admit(), pytest.raises(BusyError), admission.admit():
        pytest.fail("was let in")
    with admission.admit():
        pass


def test_a_failure_inside_frees_the_place():
    admission = BoundedAdmission(1, 0, 1.0)
    with pytest.raises(ZeroDivisionError), admission.admit():
        raise ZeroDivisionError
    with admission.admit():
        pass


def test_the_load_says_who_is_in_who_waits_and_who_was_refused(guests):
    admission = BoundedAdmission(1, 1, 0.05)
    assert admission.load == AdmissionLoad(workers=1, queue_size=1)
    inside = guests(admission)
    assert inside.inside.wait(5)
    with pytest.raises(BusyError), admission.admit():
        pytest.fail("was let in")
    assert admission.load == AdmissionLoad(1, 0, 1, 1, refused_late=1)
    patient = BoundedAdmission(1, 1, 60.0)
    holder, waiter = guests(patient), None
    assert holder.inside.wait(5)
    waiter = guests(patient)
    wait_for_queue(patient, 1)
    with pytest.raises(BusyError), patient.admit():
        pytest.fail("was let in")
    assert patient.load == AdmissionLoad(1, 1, 1, 1, refused_full=1)
    holder.may_leave.set()
    assert waiter.inside.wait(5)
    assert patient.load == AdmissionLoad(1, 0, 1, 1, refused_full=1)
    waiter.may_leave.set()
    waiter.join(10)
    assert patient.load.at_work == 0


def test_the_load_says_for_how_long_the_first_has_been_inside(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("ood_face.runtime.admission.time.monotonic", lambda: now_s[0])
    admission = BoundedAdmission(2, 0, 1.0)
    assert admission.load.longest_s == 0
    with admission.admit():
        now_s[0] = 107.0
        with admission.admit():
            now_s[0] = 110.0
            assert admission.load.longest_s == 10
        assert admission.load.longest_s == 10
    assert admission.load.longest_s == 0


def test_who_has_waited_longest_comes_next_and_nobody_overtakes(guests):
    admission = BoundedAdmission(1, 3, 60.0)
    holder = guests(admission)
    assert holder.inside.wait(5)
    waiting = []
    for count in (1, 2, 3):
        waiting.append(guests(admission))
        wait_for_queue(admission, count)
    leaving = holder
    for guest in waiting:
        leaving.may_leave.set()
        assert guest.inside.wait(5)
        assert sum(other.inside.is_set() for other in waiting) == waiting.index(guest) + 1
        leaving = guest


def test_room_is_asked_for_without_taking_a_place(guests):
    admission = BoundedAdmission(1, 1, 60.0)
    admission.check_room()
    assert guests(admission).inside.wait(5)
    admission.check_room()
    guests(admission)
    wait_for_queue(admission, 1)
    with pytest.raises(BusyError) as caught:
        admission.check_room()
    assert caught.value.key == "busy.queue_full"
    assert admission.load == AdmissionLoad(1, 1, 1, 1, refused_full=1)


def test_many_who_come_and_go_leave_an_empty_place():
    admission = BoundedAdmission(2, 100, 60.0)
    most = []

    def visit():
        for _ in range(50):
            with admission.admit():
                most.append(admission.load.at_work)

    visitors = [threading.Thread(target=visit) for _ in range(12)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(60)
    assert len(most) == 600
    assert max(most) <= 2
    assert admission.load == AdmissionLoad(workers=2, queue_size=100)
