"""Ask the C library to keep freed memory, so that each run of a network need not fault it in."""

from __future__ import annotations

import ctypes
import logging

__all__ = ["keep_freed_memory"]

logger = logging.getLogger(__name__)

# glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
# Without a limit every new thread may open an arena that keeps its own freed memory: measured,
# 1,010 MiB resident after 400 pictures on changing threads, 630 MiB with two arenas.
ARENAS = 2
# above every intermediate tensor of our networks; glibc refuses more than half its 64 MiB heaps
KEPT_BYTES = 32 * 2**20


def keep_freed_memory() -> bool:
    """Keep up to 32 MiB of freed memory for each allocation arena; whether the library agreed.

    The engine allocates its tensors anew in every run. By default glibc gives blocks of a few MiB
    back to the kernel at once and faults them in page by page the next time: measured, a third
    of the O-Net's time at a batch of 16. Where the C library is another one, nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        logger.debug("no mallopt: freed memory goes back to the system at once")
        return False
    # setting either one also stops glibc from adapting both by itself
    wanted = ((M_MMAP_THRESHOLD, KEPT_BYTES), (M_TRIM_THRESHOLD, KEPT_BYTES), (M_ARENA_MAX, ARENAS))
    return all(mallopt(option, value) for option, value in wanted)
