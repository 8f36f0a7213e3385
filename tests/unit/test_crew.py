"""Several threads at the parts of one picture."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_face.cores import core_count
from ood_face.crew import Crew, Crews
from tests.fakes.cores import several
from tests.fakes.native import compiled

# longer than anything here takes; who waits so long has waited in vain
LONG_S = 60
# what certainly does not end is waited for so long
SHORT_S = 0.1
CREWS = {threads: Crew(threads) for threads in (1, 2, 3, 8)}


class PartError(Exception):
    """What one part's work ends with."""


def crew_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("crew")]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("parts", [0, 1, 2, 3, 17])
def test_what_is_made_of_the_parts_comes_in_their_order(threads, parts):
    assert Crew(threads).each(str, range(parts)) == [str(part) for part in range(parts)]


def test_the_order_is_the_parts_even_where_the_last_one_is_done_first():
    ended = [threading.Event() for _ in range(3)]
    done = []

    def work(part):
        # each waits for the one after it
        if part < 2:
            assert ended[part + 1].wait(LONG_S)
        done.append(part)
        ended[part].set()
        return part

    assert Crew(3).each(work, range(3)) == [0, 1, 2]
    assert done == [2, 1, 0]


def test_as_many_threads_as_it_was_made_with_work_at_once():
    together = threading.Barrier(4, timeout=LONG_S)
    names = Crew(4).each(
        lambda _: together.wait() >= 0 and threading.current_thread().name, range(4)
    )
    assert names[0] == threading.current_thread().name
    assert len(set(names)) == 4


def test_one_thread_makes_no_thread_and_works_in_the_callers():
    before = crew_threads()
    with Crews(1, callers=8).taken() as crew:
        workers = crew.each(lambda _: threading.current_thread(), range(5))
    assert set(workers) == {threading.current_thread()}
    assert set(crew_threads()) <= set(before)


def test_a_single_part_is_the_callers_own():
    (worker,) = Crew(3).each(lambda _: threading.current_thread(), [None])
    assert worker is threading.current_thread()


@pytest.mark.parametrize("bad", range(4))
def test_an_error_in_one_part_comes_out_when_the_others_have_ended(bad):
    failed, ended = threading.Event(), []

    def work(part):
        if part == bad:
            failed.set()
            raise PartError(part)
        # the others are still at it when the error has long happened
        assert failed.wait(LONG_S)
        ended.append(part)

    with pytest.raises(PartError, match=str(bad)):
        Crew(4).each(work, range(4))
    assert sorted(ended) == [part for part in range(4) if part != bad]


def test_after_an_error_the_crew_goes_on():
    crew = Crew(2)

    def refuse(part):
        raise PartError(part)

    for _ in range(5):
        with pytest.raises(PartError, match="0"):
            crew.each(refuse, range(2))
    assert crew.each(abs, [-1, -2, -3]) == [1, 2, 3]


def test_with_one_thread_an_error_comes_out_at_once():
    seen = []

    def work(part):
        seen.append(part)
        raise PartError(part)

    with pytest.raises(PartError, match="0"):
        Crew().each(work, range(3))
    assert seen == [0]


def test_several_callers_are_helped_at_once_and_mix_nothing_up():
    crews, callers = Crews(2, callers=3), 3
    together = threading.Barrier(2 * callers, timeout=LONG_S)

    def call(caller):
        with crews.taken() as crew:
            return crew.each(lambda part: together.wait() >= 0 and (caller, part), range(2))

    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(call, range(callers)))
    assert found == [[(caller, part) for part in range(2)] for caller in range(callers)]


def test_more_callers_than_there_are_crews_wait_and_are_served():
    crews = Crews(2, callers=1)

    def call(caller):
        with crews.taken() as crew:
            return crew.each(lambda part: part + caller, range(5))

    with ThreadPoolExecutor(8) as pool:
        with crews.taken():
            waiting = [pool.submit(call, caller) for caller in range(40)]
            assert not wait(waiting, SHORT_S).done
        found = [one.result(LONG_S) for one in waiting]
    assert found == [[part + caller for part in range(5)] for caller in range(40)]


def test_a_crew_is_given_back_by_a_caller_that_fails():
    crews = Crews(2, callers=1)

    def refuse(part):
        raise PartError(part)

    for _ in range(3):
        with pytest.raises(PartError), crews.taken() as crew:
            crew.each(refuse, range(2))
    with crews.taken() as crew:
        assert crew.each(abs, [-1, -2]) == [1, 2]


def test_while_they_work_the_caller_stays_and_the_helpers_are_kept_off_its_core():
    cores, crew = os.sched_getaffinity(0), Crew(3)
    together = threading.Barrier(3, timeout=LONG_S)
    for core in sorted(cores):
        os.sched_setaffinity(0, {core})
        try:
            caller, *helpers = crew.each(
                lambda _: together.wait() >= 0 and os.sched_getaffinity(0), range(3)
            )
        finally:
            os.sched_setaffinity(0, cores)
        assert caller == {core}
        # where there is one core, they share it
        assert helpers == [(cores - {core}) or cores] * 2


def test_afterwards_the_caller_runs_where_it_ran_before():
    cores, inside = os.sched_getaffinity(0), []
    together = threading.Barrier(2, timeout=LONG_S)

    def work(part):
        together.wait()
        if part == 0:
            inside.append(os.sched_getaffinity(0))

    Crew(2).each(work, range(2))
    assert [len(kept) for kept in inside] == [1]
    assert os.sched_getaffinity(0) == cores


def test_a_caller_bound_to_one_core_is_helped_all_the_same():
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert Crew(2).each(abs, [-1, -2, -3]) == [1, 2, 3]
    finally:
        os.sched_setaffinity(0, cores)


@given(st.sampled_from(sorted(CREWS)), st.integers(0, 500), st.integers(1, 64))
def test_shares_cover_everything_once_and_none_is_too_small(threads, count, smallest):
    shares = CREWS[threads].shares(count, smallest)
    assert [index for share in shares for index in range(count)[share]] == list(range(count))
    assert 1 <= len(shares) <= threads
    lengths = [share.stop - share.start for share in shares]
    assert max(lengths) - min(lengths) <= 1
    assert len(shares) == 1 or min(lengths) >= smallest
    # no thread idles that could have had enough
    assert len(shares) == threads or count < smallest * (len(shares) + 1)


@compiled
@several
def test_who_has_gathered_its_native_helpers_stays_and_they_are_kept_off_its_core():
    cores, crew = os.sched_getaffinity(0), Crew(2)
    assert crew.team == 0
    with crew.gathered():
        (helper,) = crew._team.thread_ids
        assert crew.team != 0
        (core,) = os.sched_getaffinity(0)
        assert os.sched_getaffinity(helper) == cores - {core}
    assert crew.team == 0
    assert os.sched_getaffinity(0) == cores


def test_with_fewer_cores_than_threads_nobody_waits_awake():
    crew, cores = Crew(core_count() + 1), os.sched_getaffinity(0)
    with crew.gathered():
        assert crew.team == 0
        assert os.sched_getaffinity(0) == cores
