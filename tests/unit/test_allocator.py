"""Freed memory is kept for the next picture, and given back in the end."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
import weakref

import pytest

from ood_face.allocator import give_back_freed_memory, keep_freed_memory, kept_small

GLIBC = platform.libc_ver()[0] == "glibc"
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


def test_it_is_given_back_now_and_then_until_the_end():
    twice = threading.Semaphore(0)

    def note():
        twice.release()
        return True

    with kept_small(every_s=0.001, work_s=0.0, give_back=note):
        assert twice.acquire(timeout=30)
        assert twice.acquire(timeout=30)
    assert "memory" not in {thread.name for thread in threading.enumerate()}


def test_a_program_that_did_nothing_is_left_alone():
    looked = threading.Semaphore(0)
    with kept_small(every_s=0.001, work_s=1e9, give_back=lambda: looked.release() or True):
        assert not looked.acquire(timeout=0.1)
