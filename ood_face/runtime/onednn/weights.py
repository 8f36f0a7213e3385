"""The weights of a network as oneDNN wants them, one copy for all plans and workers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.runtime.onednn import winograd
from ood_face.runtime.onednn.descriptors import (
    ALIGNMENT,
    Layout,
    Memory,
    Stream,
    aligned,
    in_order,
    strided,
)
from ood_face.runtime.onednn.library import (
    ARG_DST,
    ARG_SCRATCHPAD,
    ARG_SRC,
    arguments,
    call,
)
from ood_face.runtime.onednn.primitives import reorder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.runtime.graph import Convolution

__all__ = ["SharedWeights"]


class SharedWeights:
    """Keeps what was made ready; safe to use from several threads.

    Parameters
    ----------
    natively : the native library computes what it is faster at; each part of it with one thread
    """

    def __init__(self, *, natively: bool = False) -> None:
        self._natively = natively and winograd.usable()
        self._filters: dict[Convolution, NDArray[np.uint16]] = {}
        self._ready: dict[Convolution, list[tuple[Layout, Memory]]] = {}
        self._vectors: dict[int, Memory] = {}
        self._kept: list[NDArray[np.generic]] = []
        self._lock = threading.Lock()

    def of(self, step: Convolution, weight: NDArray[Any], wanted: Layout) -> Memory:
        """Return a convolution's weights in the layout it wants.

        Parameters
        ----------
        step : the convolution
        weight : its weights, float32 or int8; the same in every call
        wanted : the layout
        """
        with self._lock:
            known = self._ready.setdefault(step, [])
            for layout, memory in known:
                if layout.same_as(wanted):
                    return memory
            memory = self._reordered(weight, wanted)
            known.append((wanted, memory))
            return memory

    def filters(self, step: Convolution) -> NDArray[np.uint16] | None:
        """Return a convolution's weights for :mod:`winograd`; None: it is oneDNN's."""
        if not self._natively or not winograd.fits(step):
            return None
        with self._lock:
            if step not in self._filters:
                self._filters[step] = winograd.packed(step.weight)
            return self._filters[step]

    def vector(self, values: NDArray[np.float32]) -> Memory:
        """Return a bias, slopes or scales, as they are."""
        with self._lock:
            if id(values) not in self._vectors:
                held = in_order(values)
                self._kept += [held, values]
                self._vectors[id(values)] = Memory(strided(held), held.ctypes.data)
            return self._vectors[id(values)]

    def _reordered(self, weight: NDArray[Any], wanted: Layout) -> Memory:
        source = in_order(weight)
        memory = Memory(wanted, self._room(wanted.size))
        given = Memory(strided(source), source.ctypes.data)
        primitive = reorder(strided(source), wanted)
        handles = {ARG_SRC: given.handle, ARG_DST: memory.handle}
        if primitive.scratch is not None:
            room = np.empty(primitive.scratch.size + ALIGNMENT, np.uint8)
            scratch = Memory(primitive.scratch, aligned(room))
            handles[ARG_SCRATCHPAD] = scratch.handle
        stream = Stream()
        call("primitive_execute", primitive.handle, stream.handle, len(handles), arguments(handles))
        return memory

    def _room(self, size: int) -> int:
        # the address of memory that lives as long as this object
        room = np.empty(size + ALIGNMENT, np.uint8)
        self._kept.append(room)
        return aligned(room)
