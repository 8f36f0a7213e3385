from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from ood_face.matching.index import GalleryIndex
from ood_face.matching.index.batches import Batches
from ood_face.matching.index.locks import ReadWriteLock
from tests.fakes.truth import FakeTruth, clustered

WAIT_S = 20


@pytest.mark.parametrize("limit", [10_000, 1000])
def test_what_stays_is_found_by_many_threads_while_others_come_and_go(limit):
    stays, comes = clustered(1200), clustered(240, seed=1)
    truth = FakeTruth()
    truth.put(np.arange(1, 1201), stays)
    truth.put(np.arange(2001, 2241), comes)
    index = GalleryIndex(truth.fetch, limit)
    index.add(np.arange(1, 1201), stays)
    done = threading.Event()

    def look(first):
        row, looked = first, 0
        while not done.is_set() or looked < 20:
            row = (row + 7) % 1200
            assert index.search(stays[row : row + 1], 2)[1][0, 0] == row + 1
            looked += 1

    def come_and_go(first):
        for turn in range(30):
            ids = np.arange(2001 + first, 2001 + first + 30)
            index.add(ids, comes[first : first + 30])
            assert index.search(comes[first : first + 1], 1)[1].item() == ids[0]
            index.remove(ids)
            assert index.search(comes[first : first + 1], 1)[1].item() != ids[0], turn

    with ThreadPoolExecutor(12) as pool:
        lookers = [pool.submit(look, first) for first in range(0, 1200, 200)]
        changers = [pool.submit(come_and_go, first) for first in (0, 60, 120, 180)]
        try:
            for changer in changers:
                changer.result(WAIT_S)
        finally:
            done.set()
        for looker in lookers:
            looker.result(WAIT_S)
    np.testing.assert_array_equal(index.ids(), np.arange(1, 1201))


class Held:
    """A search that waits until it is let go, and notes how many probes came at once."""

    def __init__(self) -> None:
        self.go, self.began = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def __call__(self, features, count):
        self.began.set()
        self.sizes.append(len(features))
        assert self.go.wait(WAIT_S)
        if (features[:, 0] < 0).any():
            raise FloatingPointError
        return features[:, :1].repeat(count, 1), features[:, :1].astype(np.int64).repeat(count, 1)


def ask_while_one_is_at_work(held, probes, most=10):
    """Send one probe, and while that is at work the others; return the futures."""
    batches = Batches(held, workers=1, most=most)
    pool = ThreadPoolExecutor(len(probes))
    futures = [pool.submit(batches.search, probes[0], 1)]
    assert held.began.wait(WAIT_S)
    futures += [pool.submit(batches.search, probe, place) for place, probe in enumerate(probes[1:])]
    while batches.waiting < len(probes) - 1:
        time.sleep(0.001)  # until they stand in the queue; how long that takes decides nothing
    held.go.set()
    pool.shutdown()
    return futures


def probe_of(value):
    return np.full((1, 512), value, np.float32)


def test_probes_that_wait_are_searched_together():
    held = Held()
    futures = ask_while_one_is_at_work(held, [probe_of(value) for value in range(5)])
    answers = [future.result(WAIT_S) for future in futures]
    assert held.sizes == [1, 4]
    assert [similarities[0, 0] for similarities, _ in answers] == [0, 1, 2, 3, 4]


def test_no_more_are_searched_together_than_may_be():
    held = Held()
    futures = ask_while_one_is_at_work(held, [probe_of(value) for value in range(8)], most=3)
    assert [future.result(WAIT_S)[1][0, 0] for future in futures] == list(range(8))
    assert held.sizes[0] == 1
    assert sum(held.sizes) == 8
    assert max(held.sizes) <= 3


def test_a_search_that_fails_fails_for_all_who_waited_for_it_and_for_nobody_else():
    held = Held()
    futures = ask_while_one_is_at_work(held, [probe_of(value) for value in (1, -1, 2)])
    assert futures[0].result(WAIT_S)[1].item() == 1
    for future in futures[1:]:
        with pytest.raises(FloatingPointError):
            future.result(WAIT_S)


def test_readers_read_at_once_and_a_writer_is_alone():
    lock, together = ReadWriteLock(), threading.Barrier(3)
    seen: list[str] = []

    def read():
        with lock.reading():
            together.wait(WAIT_S)  # broken unless all three are inside
            seen.append("read")

    def write():
        with lock.writing():
            before = len(seen)
            seen.append("write")
            assert len(seen) == before + 1

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result(WAIT_S)
        for reader in readers:
            reader.result(WAIT_S)
    assert sorted(seen) == ["read", "read", "read", "write"]


def test_a_writer_waits_for_the_reader_and_new_readers_for_the_writer():
    lock, inside, leave = ReadWriteLock(), threading.Event(), threading.Event()
    order: list[str] = []

    def read_long():
        with lock.reading():
            inside.set()
            assert leave.wait(WAIT_S)
            order.append("first reader")

    def write():
        with lock.writing():
            order.append("writer")

    def read():
        with lock.reading():
            order.append("second reader")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(read_long)
        assert inside.wait(WAIT_S)
        writer = pool.submit(write)
        while not lock.writer_waits:
            time.sleep(0.001)
        second = pool.submit(read)
        leave.set()
        for future in (first, writer, second):
            future.result(WAIT_S)
    assert order == ["first reader", "writer", "second reader"]


@pytest.mark.parametrize("limit", [10_000, 1000])
def test_threads_that_search_start_no_threads_of_their_own(limit):
    features = clustered(2500)
    truth = FakeTruth()
    truth.put(np.arange(1, 2501), features)
    index = GalleryIndex(truth.fetch, limit)
    index.add(np.arange(1, 2501), features)
    searched, counted = threading.Barrier(7), threading.Barrier(7)

    def look():
        index.search(features[:9], 5)
        searched.wait(WAIT_S)
        counted.wait(WAIT_S)

    before = psutil.Process().num_threads()
    with ThreadPoolExecutor(6) as pool:
        lookers = [pool.submit(look) for _ in range(6)]
        searched.wait(WAIT_S)
        during = psutil.Process().num_threads()
        counted.wait(WAIT_S)
        for looker in lookers:
            looker.result(WAIT_S)
    assert during <= before + 6


def test_searches_go_on_while_the_kind_changes():
    features, truth = clustered(1100), FakeTruth()
    truth.put(np.arange(1, 1101), features)
    held, go = threading.Event(), threading.Event()

    def fetch(ids):
        if len(ids) > 200:  # all of them: for a flat index
            held.set()
            assert go.wait(WAIT_S)
        return truth.fetch(ids)

    index = GalleryIndex(fetch, 1000)
    index.add(np.arange(1, 1101), features)
    with ThreadPoolExecutor(1) as pool:
        removal = pool.submit(index.remove, np.arange(701, 1101))
        assert held.wait(WAIT_S)
        assert index.kind == "pq-fast-scan"
        assert index.search(features[:1], 1)[1].item() == 1
        assert index.search(features[800:801], 1)[1].item() != 801
        go.set()
        removal.result(WAIT_S)
    assert index.kind == "flat"
    assert index.search(features[:1], 1)[1].item() == 1
