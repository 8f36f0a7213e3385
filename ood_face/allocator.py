"""Freed memory: kept for the next picture, but not for ever."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["give_back_freed_memory", "keep_freed_memory", "kept_small", "resident_bytes"]

logger = logging.getLogger(__name__)

# glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
# Without a limit every new thread may open an arena that keeps its own freed memory: measured,
# 1,010 MiB resident after 400 pictures on changing threads, 630 MiB with two arenas.
ARENAS = 2
# Blocks from here on come from the kernel and go back to it at once: the pixels of large pictures,
# whose sizes vary. Below lies what the networks and the detector need again and again. From this
# size on NumPy asks for huge pages, so that few faults are paid for.
LARGE_BYTES = 4 * 2**20
# so much may lie free at the end of an arena: a picture of 1920x1440 needs it again the next time
KEPT_BYTES = 16 * 2**20
# giving back takes 3 to 8 ms
EVERY_S = 3.0
# A block that stays may lie at the end of an arena, and then all that is free below it is kept,
# not KEPT_BYTES alone. So one looks more often whether this much has come since the last time.
LOOK_S = 0.25
GROWN_BYTES = KEPT_BYTES
# who has worked less since the last time has freed nothing worth it
WORK_S = 0.1


def keep_freed_memory() -> bool:
    """Keep freed blocks below 4 MiB, 16 MiB for each of two arenas; whether the library agreed.

    Every picture needs tables and tensors of a few MiB anew. By default glibc gives such blocks
    back to the kernel at once and faults them in page by page the next time: measured, a third
    of the O-Net's time at a batch of 16. Where the C library is another one, nothing happens.

    The number of arenas only stops new ones: a program that is to have two calls this before it
    starts threads.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        logger.debug("no mallopt: freed memory goes back to the system at once")
        return False
    # setting either one also stops glibc from adapting both by itself
    wanted = (
        (M_MMAP_THRESHOLD, LARGE_BYTES),
        (M_TRIM_THRESHOLD, KEPT_BYTES),
        (M_ARENA_MAX, ARENAS),
    )
    return all(mallopt(option, value) for option, value in wanted)


def give_back_freed_memory() -> bool:
    """Give the kernel every page that holds nothing; whether the library can.

    Pictures of many sizes leave holes between what is in use; they would add up to a hundred MB.
    What only refers to itself, as an error and its traceback with a picture may, is freed before.
    """
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(ctypes.c_size_t(0))
    return True


def resident_bytes() -> int:
    """Return how much of the process lies in memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def kept_small(
    look_s: float = LOOK_S,
    every_s: float = EVERY_S,
    work_s: float = WORK_S,
    give_back: Callable[[], bool] = give_back_freed_memory,
    resident: Callable[[], int] = resident_bytes,
) -> Iterator[None]:
    """Give freed memory back now and then, and when much came, as long as this lasts.

    Parameters
    ----------
    look_s : seconds between two looks
    every_s : seconds after which it is given back in any case
    work_s : processor time that the program must have used since the last time
    give_back : does it; False: it cannot, and is not called again
    resident : how many bytes lie in memory; 16 MiB more than the least since then are much
    """
    ended = threading.Event()

    def work() -> None:
        at, worked_s, least = time.monotonic(), time.process_time(), resident()
        while not ended.wait(look_s):
            # pictures under way when it was given back are no measure of what stays
            least = min(least, now := resident())
            if time.process_time() - worked_s < work_s:
                continue
            if now - least < GROWN_BYTES and time.monotonic() - at < every_s:
                continue
            if not give_back():
                return
            at, worked_s, least = time.monotonic(), time.process_time(), resident()

    thread = threading.Thread(target=work, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
