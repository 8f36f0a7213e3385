"""The primitives of a plan, executed in order."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import NativeMissingError
from ood_face.native import library as native_library
from ood_face.runtime.onednn.library import check_status, library, thread_setter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.runtime.onednn.descriptors import Stream
    from ood_face.runtime.onednn.library import ExecArg

__all__ = ["Steps"]


class Steps:
    """Primitives and their arguments; what they point to must outlive this object.

    Parameters
    ----------
    stream : what executes them
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._added: list[tuple[ctypes.c_void_p, ctypes.Array[ExecArg]]] = []
        # as native.h has it: of each its primitive, its arguments and how many; and of the plan
        # what executes, the stream, where these are and how many, what sets its threads
        self._listed = np.empty((0, 3), np.int64)
        self._plan = np.zeros(5, np.int64)

    def add(self, primitive: ctypes.c_void_p, given: ctypes.Array[ExecArg]) -> None:
        """Put one more at the end."""
        self._added.append((primitive, given))
        self._listed = np.array(
            [(one.value, ctypes.addressof(of), len(of)) for one, of in self._added], np.int64
        )
        execute = ctypes.cast(library().dnnl_primitive_execute, ctypes.c_void_p)
        at, count = self._listed.ctypes.data, len(self._listed)
        stream, set_threads = self._stream.handle.value or 0, thread_setter()
        self._plan[:] = execute.value or 0, stream, at, count, set_threads

    @property
    def address(self) -> int:
        """Where the ``plan`` of native.h is; until something is added."""
        return int(self._plan.ctypes.data)

    def run(self) -> None:
        """Execute them.

        Raises
        ------
        BackendError
            A primitive failed.
        """
        run = _run()
        if run is None:
            self._run_each()
        else:
            check_status("primitive_execute", run(self.address))

    def _run_each(self) -> None:
        execute = library().dnnl_primitive_execute
        for primitive, given in self._added:
            status = execute(primitive, self._stream.handle, len(given), given)
            check_status("primitive_execute", status)


@cache
def _run() -> Callable[..., int] | None:
    try:
        run: Callable[..., int] = native_library().steps_run
    except NativeMissingError:
        return None
    return run
