"""Where threads run.

Left to itself, Linux may wake a thread on the very core that another one keeps busy, or move a busy
thread to the core of the one that wakes it, and leave both there for seconds while a core idles
(seen on a machine of two). Who knows which threads are busy at the same time can keep them apart.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["anywhere", "core_count", "current_core", "keep_off", "keep_on", "staying"]

_LIBC = ctypes.PyDLL(None)
# of the program when it began; a thread that is kept somewhere has fewer
_CORES = frozenset(os.sched_getaffinity(0))


def core_count() -> int:
    """Return how many cores the program may run on."""
    return len(_CORES)


def current_core() -> int:
    """Return the core that the calling thread is on."""
    return int(_LIBC.sched_getcpu())


def anywhere() -> None:
    """Let the calling thread run wherever the program may.

    A thread begins where the one that started it was kept: pools whose threads are started while
    requests are worked at call this in each of them.
    """
    keep_off(set())


def keep_off(cores: set[int], thread: int = 0) -> bool:
    """Let a thread run on the program's other cores only.

    Parameters
    ----------
    cores : to be left free
    thread : its number, as ``threading.get_native_id`` says; 0: the caller

    Returns
    -------
    False: nothing was changed, because no core would be left or the system refused
    """
    return keep_on(_CORES - cores, thread)


def keep_on(cores: set[int] | frozenset[int], thread: int = 0) -> bool:
    """Let a thread run on these cores only; parameters and result are those of ``keep_off``."""
    with suppress(OSError):
        if cores:
            os.sched_setaffinity(thread, cores)
            return True
    return False


@contextmanager
def staying() -> Iterator[int]:
    """Keep the calling thread on the core that it is on; gives that core."""
    core, before = current_core(), os.sched_getaffinity(0)
    keep_on({core})
    try:
        yield core
    finally:
        keep_on(before)
