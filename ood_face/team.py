"""Threads in C that do parts of native work, without Python's lock."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import library_if_there

if TYPE_CHECKING:
    import ctypes

__all__ = ["Team"]

_MOST_HELPERS = 63  # as team.h has it


class Team:
    """Helpers of a caller, for one caller at a time; none where there is no native library.

    Parameters
    ----------
    helpers : threads beside the caller's

    Attributes
    ----------
    address : what native functions take as the team; 0: the caller works alone
    thread_ids : of the helpers, as ``threading.get_native_id`` says
    """

    def __init__(self, helpers: int) -> None:
        self.address = 0
        self.thread_ids: list[int] = []
        native = library_if_there() if helpers else None
        if native is None:
            return
        self._native = native
        self.address = native.team_new(min(helpers, _MOST_HELPERS))
        if not self.address:
            raise MemoryError
        numbers = np.zeros(_MOST_HELPERS, np.int64)
        count = native.team_numbers(self.address, numbers.ctypes.data)
        self.thread_ids = numbers[:count].tolist()
        end = weakref.finalize(self, _end, native, self.address, os.getpid())
        # the end of the process ends them as well
        end.atexit = False

    def gather(self) -> None:
        """Wake the helpers: work follows, and between its pieces they are to wait awake."""
        if self.address:
            self._native.team_gather(self.address, 1)

    def rest(self) -> None:
        """Let the helpers sleep."""
        if self.address:
            self._native.team_gather(self.address, 0)


def _end(native: ctypes.CDLL, address: int, process: int) -> None:
    # a copy of the process has none of its threads
    if os.getpid() == process:
        native.team_end(address)
