"""The primitives of a plan, executed in order."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from ood_face.native import library_if_there
from ood_face.runtime.onednn.library import check_status, library, thread_setter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.runtime.onednn.descriptors import Stream
    from ood_face.runtime.onednn.library import ExecArg

__all__ = ["Steps"]

# of what may be done at once, what is known while it is: a line of the cache
_STAGE_NUMBERS = 8
# native.h's execute_function
_EXECUTE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
)


class Steps:
    """Primitives and native functions with what they take, all of which must outlive this object.

    Parameters
    ----------
    streams : what executes them: one for each thread that does
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams
        self._given: list[ctypes.Array[ExecArg]] = []
        self._ends: list[int] = []
        # as native.h has it: of each what executes it, its primitive, its arguments and how many;
        # and of the plan the stream, where these are and how many, what sets its threads
        self._listed = np.empty((0, 4), np.int64)
        self._plan = np.zeros(4, np.int64)
        # as steps.c has it: the plan, the ends of what may be done at once, how many these are,
        # the streams, how many, and room for what is done
        self._shared = np.zeros(6, np.int64)
        self._kept: tuple[NDArray[np.int64], ...] = ()

    def add(self, primitive: ctypes.c_void_p, given: ctypes.Array[ExecArg], part: int = 0) -> None:
        """Put one more at the end; a part that is not 0 may be done beside those before it."""
        execute = ctypes.cast(library().dnnl_primitive_execute, ctypes.c_void_p)
        self._given.append(given)
        step = (execute.value or 0, primitive.value or 0, ctypes.addressof(given), len(given))
        self._append(step, part)

    def add_native(self, entry: int, network: int, given: int, part: int = 0) -> None:
        """Put a function of the native library at the end, with what it takes; see :meth:`add`."""
        self._append((entry, network, given, 1), part)

    def _append(self, step: tuple[int, int, int, int], part: int) -> None:
        self._listed = np.concatenate([self._listed, np.array([step], np.int64)])
        self._ends[-1 if part else len(self._ends) :] = [len(self._listed)]
        stream, set_threads = self._streams[0].handle.value or 0, thread_setter()
        self._plan[:] = stream, self._listed.ctypes.data, len(self._listed), set_threads
        ends = np.array(self._ends, np.int64)
        streams = np.array([each.handle.value or 0 for each in self._streams], np.int64)
        room = np.zeros(len(ends) * _STAGE_NUMBERS, np.int64)
        self._kept = ends, streams, room
        self._shared[:] = (
            *(self.address, ends.ctypes.data, len(ends)),
            *(streams.ctypes.data, len(streams), room.ctypes.data),
        )

    @property
    def address(self) -> int:
        """Where the ``plan`` of native.h is; until something is added."""
        return int(self._plan.ctypes.data)

    def run(self, team: int = 0) -> None:
        """Execute them.

        Parameters
        ----------
        team : who helps, see :attr:`ood_face.crew.Crew.team`; 0: nobody

        Raises
        ------
        BackendError
            A primitive failed.
        """
        native = library_if_there()
        if native is None:
            self._run_each()
        elif team and len(self._streams) > 1:
            status = native.steps_run_together(team, self._shared.ctypes.data)
            check_status("primitive_execute", status)
        else:
            check_status("primitive_execute", native.steps_run(self.address))

    def _run_each(self) -> None:
        for entry, primitive, given, count in self._listed.tolist():
            status = _EXECUTE(entry)(primitive, self._streams[0].handle, count, given)
            check_status("primitive_execute", status)
