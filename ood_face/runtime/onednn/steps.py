"""The primitives of a plan, executed in order."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import NativeMissingError
from ood_face.native import library as native_library
from ood_face.runtime.onednn.library import check_status, library

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.runtime.onednn.descriptors import Stream
    from ood_face.runtime.onednn.library import ExecArg

__all__ = ["Steps"]


class Steps:
    """Primitives and their arguments; what they point to must outlive this object."""

    def __init__(self) -> None:
        self._added: list[tuple[ctypes.c_void_p, ctypes.Array[ExecArg]]] = []
        self._listed = np.empty((0, 3), np.int64)

    def add(self, primitive: ctypes.c_void_p, given: ctypes.Array[ExecArg]) -> None:
        """Put one more at the end."""
        self._added.append((primitive, given))
        # as steps.c reads it
        self._listed = np.array(
            [(one.value, ctypes.addressof(of), len(of)) for one, of in self._added], np.int64
        )

    def run(self, stream: Stream) -> None:
        """Execute them.

        Raises
        ------
        BackendError
            A primitive failed.
        """
        run = _run()
        if run is None:
            self._run_each(stream)
            return
        at, count = self._listed.ctypes.data, len(self._added)
        check_status("primitive_execute", run(_execute(), stream.handle, at, count))

    def _run_each(self, stream: Stream) -> None:
        execute = library().dnnl_primitive_execute
        for primitive, given in self._added:
            status = execute(primitive, stream.handle, len(given), given)
            check_status("primitive_execute", status)


@cache
def _run() -> Callable[..., int] | None:
    try:
        run: Callable[..., int] = native_library().steps_run
    except NativeMissingError:
        return None
    return run


@cache
def _execute() -> int | None:
    return ctypes.cast(library().dnnl_primitive_execute, ctypes.c_void_p).value
