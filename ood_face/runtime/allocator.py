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
# Blocks from here on come from the kernel and go back to it at once: the pixels of large pictures,
# whose sizes vary. Below lies what the networks and the detector's tables need again and again.
LARGE_BYTES = 8 * 2**20
# so much may lie free at the end of an arena; glibc refuses more than half its heaps of 64 MiB
KEPT_BYTES = 32 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed blocks below 8 MiB, 32 MiB for each arena; whether the library agreed.

    Every picture needs tables and tensors of a few MiB anew. By default glibc gives such blocks
    back to the kernel at once and faults them in page by page the next time: measured, a third
    of the O-Net's time at a batch of 16. Where the C library is another one, nothing happens.
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
