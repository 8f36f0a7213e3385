"""A network for one shape of input: its primitives in order, and where everything lies.

All values of a run lie in one arena, which the plans of a worker share: a value's place is given
to a later one as soon as nobody reads it any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn.descriptors import (
    ALIGNMENT,
    Layout,
    Memory,
    aligned,
    any_layout,
    channels_last,
    strided,
)
from ood_face.runtime.onednn.library import (
    ARG_BIAS,
    ARG_DST,
    ARG_SCRATCHPAD,
    ARG_SRC,
    ARG_SRC_1,
    ARG_WEIGHTS,
    arguments,
    post_op,
)
from ood_face.runtime.onednn.primitives import (
    Primitive,
    convolution,
    max_pool,
    reorder,
)
from ood_face.runtime.onednn.steps import Steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.runtime.graph import Graph, MaxPool
    from ood_face.runtime.onednn.descriptors import Stream
    from ood_face.runtime.onednn.weights import SharedWeights

__all__ = ["Arena", "Plan"]


class Arena:
    """Memory that grows; addresses hold until it does."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self.address = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._memory)

    def reserve(self, size: int) -> None:
        """Be at least this large; what lay here may be gone."""
        if size + ALIGNMENT <= len(self._memory):
            return
        self._memory = np.empty(size + ALIGNMENT, np.uint8)
        self.address = aligned(self._memory)


@dataclass(slots=True)
class _Value:
    # a value of the network: how it lies, its height and width, its place in the arena
    layout: Layout
    shape: tuple[int, int, int, int]
    place: int
    readers: int


class Plan:
    """A network made ready for one shape of input.

    Parameters
    ----------
    graph : the network
    image : an input of that shape, and lying like the later ones
    kind : the number format of what is computed
    weights : of the network, shared by all plans
    stream : what executes it
    """

    def __init__(
        self,
        graph: Graph,
        image: NDArray[np.float32],
        kind: int,
        weights: SharedWeights,
        stream: Stream,
    ) -> None:
        self._graph, self._kind, self._weights = graph, kind, weights
        self._places = _Places()
        self._steps = Steps(stream)
        self._kept: list[object] = []
        self._movable: list[tuple[Memory, int]] = []
        self._scratch: list[tuple[Memory, int]] = []
        self._at = -1
        readers = _readers(graph)
        given = strided(image)
        self._image = self._outside(given)
        values = {graph.source: self._value(_shape(image), readers[graph.source])}
        first = values[graph.source]
        self._add(
            reorder(given, first.layout), {ARG_SRC: self._image, ARG_DST: self._inside(first)}
        )
        for step in graph.steps:
            values[step.target] = self._step(step, values, readers[step.target])
        last = values[graph.target]
        self.output_shape = (
            (last.shape[0], int(np.prod(last.shape[1:]))) if graph.flat else last.shape
        )
        wanted = strided(np.empty(last.shape, np.float32))
        self._answer = self._outside(wanted)
        self._add(
            reorder(last.layout, wanted), {ARG_SRC: self._inside(last), ARG_DST: self._answer}
        )
        self._scratch_place = self._places.size
        self.size = self._places.size + max((size for _, size in self._scratch), default=0)

    @property
    def address(self) -> int:
        """Where native loops find it, see ``native.h``."""
        return self._steps.address

    def run(self, image: NDArray[np.float32], arena: Arena) -> NDArray[np.float32]:
        """Run once; ``image`` must lie as the one the plan was made for."""
        answer = self.aim(image, arena)
        self._steps.run()
        return answer

    def aim(self, image: NDArray[np.float32], arena: Arena) -> NDArray[np.float32]:
        """Let runs read ``image``, which must lie as the one the plan was made for.

        Returns
        -------
        what runs write to
        """
        arena.reserve(self.size)
        if self._at != arena.address:
            self._move(arena.address)
        answer = np.empty(self.output_shape, np.float32)
        self._image.move(image.ctypes.data)
        self._answer.move(answer.ctypes.data)
        return answer

    def _move(self, address: int) -> None:
        for memory, place in self._movable:
            memory.move(address + place)
        for memory, _ in self._scratch:
            memory.move(address + self._scratch_place)
        self._at = address

    def _step(self, step: Convolution | MaxPool, values: dict[int, _Value], readers: int) -> _Value:
        source = values[step.source]
        batch, channels, *size = source.shape
        if isinstance(step, Convolution):
            channels = len(step.weight)
        rows, cols = step.size_of(size[0], size[1])
        target = self._value((batch, channels, rows, cols), readers)
        if isinstance(step, Convolution):
            self._convolve(step, source, target, values)
        else:
            primitive = max_pool(step, (size[0], size[1]), source.layout, target.layout)
            self._add(primitive, self._ends(source, target))
        for used in step.sources:
            self._read(values[used])
        return target

    def _convolve(
        self,
        step: Convolution,
        source: _Value,
        target: _Value,
        values: dict[int, _Value],
    ) -> None:
        bias = strided(step.bias)
        wanted = any_layout(step.weight.shape, self._kind)
        primitive = convolution(step, source.layout, wanted, bias, target.layout)
        chosen = primitive.weights
        if chosen is None:  # pragma: no cover - a convolution always has them
            raise RuntimeError
        memories = self._ends(source, target)
        memories[ARG_WEIGHTS] = self._weights.of(step, chosen)
        memories[ARG_BIAS] = self._weights.vector(step.bias)
        if step.residual is not None:
            memories[post_op(0, ARG_SRC_1)] = self._inside(values[step.residual])
        if step.slopes is not None:
            index = int(step.residual is not None)
            memories[post_op(index, ARG_WEIGHTS)] = self._weights.vector(step.slopes)
        self._add(primitive, memories)

    def _ends(self, source: _Value, target: _Value) -> dict[int, Memory]:
        return {ARG_SRC: self._inside(source), ARG_DST: self._inside(target)}

    def _value(self, shape: tuple[int, int, int, int], readers: int) -> _Value:
        layout = channels_last(shape, self._kind)
        return _Value(layout, shape, self._places.take(layout.size), readers)

    def _read(self, value: _Value) -> None:
        value.readers -= 1
        if value.readers == 0:
            self._places.give_back(value.place, value.layout.size)

    def _outside(self, layout: Layout) -> Memory:
        memory = Memory(layout, 0)
        self._kept.append(memory)
        return memory

    def _inside(self, value: _Value) -> Memory:
        memory = self._outside(value.layout)
        self._movable.append((memory, value.place))
        return memory

    def _add(self, primitive: Primitive, memories: dict[int, Memory]) -> None:
        if primitive.scratch is not None:
            memory = self._outside(primitive.scratch)
            self._scratch.append((memory, primitive.scratch.size))
            memories = {**memories, ARG_SCRATCHPAD: memory}
        handles = {number: memory.handle for number, memory in memories.items()}
        self._kept += [primitive, *memories.values()]
        self._steps.add(primitive.handle, arguments(handles))


class _Places:
    # who lies where in the arena: first fit among what was given back, else at the end

    def __init__(self) -> None:
        self.size = 0
        self._free: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        size = -(-size // ALIGNMENT) * ALIGNMENT
        for index, (place, room) in enumerate(self._free):
            if room >= size:
                self._free[index] = (place + size, room - size)
                return place
        place = self.size
        self.size += size
        return place

    def give_back(self, place: int, size: int) -> None:
        size = -(-size // ALIGNMENT) * ALIGNMENT
        merged: list[tuple[int, int]] = []
        for start, room in sorted([*self._free, (place, size)]):
            if merged and merged[-1][0] + merged[-1][1] == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + room)
            elif room:
                merged.append((start, room))
        self._free = merged


def _readers(graph: Graph) -> dict[int, int]:
    counts = {graph.source: 0, graph.target: 1}
    for step in graph.steps:
        counts.setdefault(step.target, 0)
        for used in step.sources:
            counts[used] = counts.get(used, 0) + 1
    return counts


def _shape(image: NDArray[np.float32]) -> tuple[int, int, int, int]:
    batch, channels, height, width = image.shape
    return batch, channels, height, width
