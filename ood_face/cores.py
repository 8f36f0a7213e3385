"""Where threads run.

Left to itself, Linux may wake a thread on the very core that another one keeps busy, and leave both
there for seconds while a core idles (seen on a machine of two). Who knows which threads are busy at
the same time can keep them apart.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

__all__ = ["anywhere", "current_core", "keep_off"]

_LIBC = ctypes.PyDLL(None)


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
    others = os.sched_getaffinity(os.getpid()) - cores
    if not others:
        return False
    with suppress(OSError):
        os.sched_setaffinity(thread, others)
        return True
    return False
