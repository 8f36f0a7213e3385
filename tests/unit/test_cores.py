"""Where threads run, and who is kept off whose core."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ood_face.cores import anywhere, current_core, keep_off
from ood_face.errors import OodFaceError
from ood_face.runtime import BoundedAdmission
from ood_face.runtime.cores import Cores
from tests.fakes.cores import several

LONG_S = 60
CORES = os.sched_getaffinity(0)


def in_a_thread(work):
    """Run in a thread of its own: what it does to itself goes with it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(LONG_S)


def allowed():
    return os.sched_getaffinity(0)


def test_the_core_one_is_on_is_one_that_one_may_use():
    assert current_core() in allowed()


@several
def test_a_thread_kept_off_a_core_leaves_it():
    def work():
        core = current_core()
        assert keep_off({core})
        return core, current_core(), allowed()

    left, now, may = in_a_thread(work)
    assert now != left
    assert may == CORES - {left}


@several
def test_another_thread_can_be_kept_off():
    told, ask = threading.Event(), threading.Event()

    def work():
        told.set()
        assert ask.wait(LONG_S)
        return threading.get_native_id(), allowed()

    with ThreadPoolExecutor(1) as pool:
        ident = pool.submit(threading.get_native_id).result(LONG_S)
        doing = pool.submit(work)
        assert told.wait(LONG_S)
        assert keep_off({min(CORES)}, ident)
        ask.set()
        assert doing.result(LONG_S) == (ident, CORES - {min(CORES)})


def test_nobody_is_kept_off_every_core():
    assert in_a_thread(lambda: (keep_off(set(CORES)), allowed())) == (False, CORES)


def test_a_thread_that_is_gone_changes_nothing():
    ident = in_a_thread(threading.get_native_id)
    # the system lets go of a thread a little after Python has
    until_s = time.monotonic() + LONG_S
    while Path(f"/proc/self/task/{ident}").exists():
        assert time.monotonic() < until_s
    assert not keep_off(set(), ident)


def test_anywhere_is_where_the_program_may_run():
    def work():
        keep_off({min(CORES)})
        anywhere()
        return allowed()

    assert in_a_thread(work) == CORES


def test_who_is_alone_runs_anywhere():
    cores = Cores()
    with cores.apart():
        assert allowed() == CORES


@several
def test_who_comes_second_gets_another_core_and_all_again_afterwards():
    cores = Cores()

    def second():
        with cores.apart():
            inside = allowed()
        return inside, allowed()

    with cores.apart():
        inside, afterwards = in_a_thread(second)
    assert len(inside) == 1
    assert afterwards == CORES


@several
def test_who_was_first_stays_on_its_core_when_the_second_comes():
    cores = Cores()

    def second():
        with cores.apart():
            return allowed()

    with cores.apart():
        theirs = in_a_thread(second)
        mine = allowed()
    assert len(mine) == 1
    assert not mine & theirs
    assert allowed() == CORES


@several
def test_a_core_is_free_again_when_its_thread_has_left_even_by_an_error():
    cores = Cores()

    def fail():
        with cores.apart():
            raise OodFaceError("busy.left", "left")

    with pytest.raises(OodFaceError):
        in_a_thread(fail)

    def alone():
        with cores.apart():
            return allowed()

    assert in_a_thread(alone) == CORES


def test_more_threads_than_cores_are_all_let_in():
    cores, count = Cores(), len(CORES) + 3
    together = threading.Barrier(count, timeout=LONG_S)

    def work(_):
        with cores.apart():
            together.wait()
            inside = allowed()
        return inside, allowed()

    with ThreadPoolExecutor(count) as pool:
        told = list(pool.map(work, range(count)))
    assert all(inside for inside, _ in told)
    assert [afterwards for _, afterwards in told] == [CORES] * count


@several
def test_requests_let_in_together_are_apart():
    admission = BoundedAdmission(2, 0, LONG_S)

    def second():
        with admission.admit():
            return allowed()

    with admission.admit():
        assert not in_a_thread(second) & allowed()
    assert allowed() == CORES


@several
def test_a_thread_started_inside_may_run_anywhere_if_it_says_so():
    cores = Cores()

    def second():
        with (
            cores.apart(),
            ThreadPoolExecutor(1) as kept,
            ThreadPoolExecutor(1, initializer=anywhere) as free,
        ):
            return kept.submit(allowed).result(LONG_S), free.submit(allowed).result(LONG_S)

    with cores.apart():
        kept, free = in_a_thread(second)
    assert len(kept) == 1
    assert free == CORES
