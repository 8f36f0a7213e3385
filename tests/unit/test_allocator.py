"""Freed memory is kept for the next picture, and given back in the end."""

from __future__ import annotations

import itertools
import platform
import subprocess
import sys
import threading
import weakref

import pytest

from ood_face.allocator import (
    GROWN_BYTES,
    give_back_freed_memory,
    keep_freed_memory,
    kept_small,
    resident_bytes,
)

GLIBC = platform.libc_ver()[0] == "glibc"
# elsewhere nothing is done, which a test of its own says
needs_glibc = pytest.mark.skipif(not GLIBC, reason="glibc's own functions")

# eight threads ask for memory at the same time, and each would get an arena of its own
THREADS = """
import ctypes, sys, threading
from ood_face.allocator import keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def ask():
    libc.malloc(100_000)
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""
# 100 blocks of 1 MiB, each with one behind it that stays: nothing of them lies at the end
HOLES = """
import ctypes
from ood_face.allocator import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
blocks = []
for _ in range(100):
    blocks.append(libc.malloc(2**20))
    ctypes.memset(blocks[-1], 1, 2**20)
    libc.malloc(4096)
for block in blocks: libc.free(block)
print(resident())
give_back_freed_memory()
print(resident())
"""


def output_of(program):
    """Return what a program of its own prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_glibc_agrees_and_others_are_left_alone():
    assert keep_freed_memory() is GLIBC
    assert give_back_freed_memory() is GLIBC


@needs_glibc
def test_many_threads_share_two_arenas():
    heaps = output_of(THREADS).count("<heap ")
    assert heaps == 2


@needs_glibc
def test_holes_between_what_is_in_use_are_given_back():
    before, after = map(int, output_of(HOLES).split())
    assert before - after > 90 * 2**20


def test_what_only_refers_to_itself_is_freed_first():
    class Kept:
        pass

    one = Kept()
    one.itself = one
    there = weakref.ref(one)
    del one
    give_back_freed_memory()
    assert there() is None


class Given:
    """Counts how often memory is given back."""

    def __init__(self, able=True):
        self.able = able
        self._times = threading.Semaphore(0)

    def __call__(self):
        self._times.release()
        return self.able

    def comes(self, timeout=30):
        """Wait for the next time."""
        return self._times.acquire(timeout=timeout)


def test_it_is_given_back_now_and_then_until_the_end():
    given = Given()
    with kept_small(look_s=0.001, every_s=0.0, work_s=0.0, give_back=given):
        assert given.comes()
        assert given.comes()
    assert "memory" not in {thread.name for thread in threading.enumerate()}


def test_it_is_given_back_at_once_when_much_came():
    given, resident = Given(), itertools.count(step=GROWN_BYTES)
    with kept_small(0.001, 1e9, 0.0, given, lambda: next(resident)):
        assert given.comes()
        assert given.comes()


def test_much_is_counted_from_the_least_there_was():
    given, resident = Given(), itertools.chain([3 * GROWN_BYTES, 0], itertools.repeat(GROWN_BYTES))
    with kept_small(0.001, 1e9, 0.0, given, lambda: next(resident)):
        assert given.comes()
        assert not given.comes(timeout=0.1)


def test_a_little_more_can_wait():
    given, resident = Given(), itertools.count()
    with kept_small(0.001, 1e9, 0.0, given, lambda: next(resident)):
        assert not given.comes(timeout=0.1)


def test_who_cannot_give_back_is_asked_once():
    given = Given(able=False)
    with kept_small(look_s=0.001, every_s=0.0, work_s=0.0, give_back=given):
        assert given.comes()
        assert not given.comes(timeout=0.1)


def test_a_program_that_did_nothing_is_left_alone():
    given = Given()
    with kept_small(look_s=0.001, every_s=0.0, work_s=1e9, give_back=given):
        assert not given.comes(timeout=0.1)


def test_what_lies_in_memory_is_told_in_bytes():
    before = resident_bytes()
    more = bytearray(b"1") * (64 * 2**20)
    assert 60 * 2**20 < resident_bytes() - before < 80 * 2**20
    del more
