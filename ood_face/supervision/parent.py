"""A child that ends when its supervisor does."""

from __future__ import annotations

import ctypes
import os
import signal

__all__ = ["end_with_parent"]

# from <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> bool:
    """Have the kernel send this process a signal when its parent has died.

    A supervisor that is killed leaves its children running; a new one could not start them again,
    because the old ones hold the port and the data folder.

    Returns
    -------
    Whether the parent still lived when that was arranged; False: it never comes, and the caller is
    to end by itself.
    """
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return os.getppid() == parent
