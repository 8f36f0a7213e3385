"""A network for one shape of input: its primitives in order, and where everything lies.

All values of a run lie in one arena, which the plans of a worker share: a value's place is given
to a later one as soon as nobody reads it any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn.arena import Places
from ood_face.runtime.onednn.descriptors import (
    ALIGNMENT,
    Memory,
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
    BFLOAT16,
    INT8,
    UINT8,
    arguments,
    post_op,
    scale_of,
)
from ood_face.runtime.onednn.primitives import (
    Primitive,
    convolution,
    max_pool,
    reorder,
)
from ood_face.runtime.onednn.rows import divided, shares
from ood_face.runtime.onednn.steps import Steps
from ood_face.runtime.onednn.values import Value, readers_of
from ood_face.runtime.onednn.winograd import Winograd
from ood_face.runtime.quantization import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Graph, MaxPool
    from ood_face.runtime.onednn.arena import Arena
    from ood_face.runtime.onednn.descriptors import Layout, Stream
    from ood_face.runtime.onednn.rows import Rows
    from ood_face.runtime.onednn.weights import SharedWeights
    from ood_face.runtime.onednn.winograd import Pointer
    from ood_face.runtime.quantization import Quantization

__all__ = ["Plan"]


class Plan:
    """A network made ready for one shape of input.

    Parameters
    ----------
    graph : the network
    image : an input of that shape, and lying like the later ones
    kind : the number format of what is computed, where that is not in integers
    weights : of the network, shared by all plans
    streams : what executes it; convolutions are divided into as many parts, of one picture only
    quantization : what is computed in integers
    """

    def __init__(
        self,
        graph: Graph,
        image: NDArray[np.float32],
        kind: int,
        weights: SharedWeights,
        streams: Sequence[Stream],
        quantization: Quantization = NOTHING,
    ) -> None:
        self._graph, self._kind, self._weights = graph, kind, weights
        self._quantization, self._parts = quantization, len(streams)
        self._places = Places()
        self._steps = Steps(streams)
        self._kept: list[object] = []
        self._movable: list[tuple[Memory | Pointer, int]] = []
        # what a primitive works in, whose part that is, and its bytes
        self._scratch: list[tuple[Memory | Pointer, int, int]] = []
        self._at = -1
        readers = readers_of(graph)
        given = strided(image)
        self._image = self._outside(given)
        values = {graph.source: self._value(image.shape, readers[graph.source], kind)}
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
        largest = max((size for _, _, size in self._scratch), default=0)
        self._scratch_size = -(-largest // ALIGNMENT) * ALIGNMENT
        self.size = self._places.size + self._parts * self._scratch_size

    @property
    def address(self) -> int:
        """Where native loops find it, see ``native.h``."""
        return self._steps.address

    def run(self, image: NDArray[np.float32], arena: Arena, team: int = 0) -> NDArray[np.float32]:
        """Run once; ``image`` must lie as the one the plan was made for; ``team``: who helps."""
        answer = self.aim(image, arena)
        self._steps.run(team)
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
        for memory, part, _ in self._scratch:
            memory.move(address + self._scratch_place + part * self._scratch_size)
        self._at = address

    def _step(self, step: Convolution | MaxPool, values: dict[int, Value], readers: int) -> Value:
        source = values[step.source]
        batch, channels, *size = source.shape
        kind = source.kind
        if isinstance(step, Convolution):
            channels, kind = len(step.weight), self._kind
            if step.target in self._quantization.integers:
                kind = UINT8
        rows, cols = step.size_of(size[0], size[1])
        target = self._value((batch, channels, rows, cols), readers, kind)
        if isinstance(step, Convolution):
            self._convolve(step, target, values)
        else:
            primitive = max_pool(step, (size[0], size[1]), source.layout, target.layout)
            self._add(primitive, self._ends(source, target))
        for used in step.sources:
            self._read(values[used])
        return target

    def _convolve(self, step: Convolution, target: Value, values: dict[int, Value]) -> None:
        source = values[step.source]
        if step in self._quantization.weights:
            source = self._in_integers(step.source, source)
        added = None if step.residual is None else values[step.residual]
        filters = self._packed(step, source, target, added)
        if filters is not None:
            self._convolve_natively(Winograd(step, filters, source.shape), source, target, added)
            return
        for part, rows in enumerate(divided(step, source.shape[2], self._parts)):
            self._convolve_rows(step, (source, target, added), rows, part)

    def _packed(self, step: Convolution, *values: Value | None) -> NDArray[np.uint16] | None:
        # weights for the native library; None: oneDNN does it
        kinds = {value.kind for value in values if value is not None}
        if step in self._quantization.weights or kinds != {BFLOAT16}:
            return None
        return self._weights.filters(step)

    def _convolve_natively(
        self, convolution: Winograd, source: Value, target: Value, added: Value | None
    ) -> None:
        for part, piece in enumerate(convolution.pieces(self._parts)):
            self._movable += [(piece.source, source.place), (piece.target, target.place)]
            if added is not None:
                self._movable.append((piece.added, added.place))
            self._scratch.append((piece.room, part, convolution.room_bytes))
            self._kept += [convolution, piece]
            self._steps.add_native(convolution.entry, convolution.address, piece.address, part)

    def _convolve_rows(
        self,
        step: Convolution,
        values: tuple[Value, Value, Value | None],
        rows: Rows,
        part: int,
    ) -> None:
        given, said, summed = values
        source, target = given.some_of(rows.source), said.some_of(rows.target)
        added = None if summed is None else summed.some_of(rows.target)
        integers = self._quantization.weights.get(step)
        weight = step.weight if integers is None else integers.weight
        primitive = convolution(
            step,
            (source.layout, any_layout(weight.shape, self._kind if integers is None else INT8)),
            target.layout,
            None if added is None else added.layout,
            scaled=() if integers is None else _scaled(said),
            padding_rows=rows.padding,
        )
        chosen = primitive.weights
        if chosen is None:  # pragma: no cover - a convolution always has them
            raise RuntimeError
        memories = self._ends(source, target)
        memories[ARG_WEIGHTS] = self._weights.of(step, weight, chosen)
        memories[ARG_BIAS] = self._weights.vector(step.bias)
        if added is not None:
            memories[post_op(0, ARG_SRC_1)] = self._inside(added)
        if step.slopes is not None:
            memories[post_op(int(added is not None), ARG_WEIGHTS)] = self._weights.vector(
                step.slopes
            )
        if integers is not None:
            memories[scale_of(ARG_WEIGHTS)] = self._weights.vector(integers.scales)
            memories[scale_of(ARG_SRC)] = self._scale(step.source)
            if said.kind == UINT8:
                memories[scale_of(ARG_DST)] = self._scale(step.target)
        self._add(primitive, memories, part)

    def _in_integers(self, number: int, value: Value) -> Value:
        """Return a value as integers, which lie beside it until nobody reads it any more."""
        if value.kind == UINT8:
            return value
        if value.integers is None:
            unsigned = number in self._quantization.unsigned
            made = self._value(value.shape, 0, UINT8 if unsigned else INT8)
            for part, rows in enumerate(shares(value.shape[2], self._parts)):
                ends = value.some_of(rows), made.some_of(rows)
                self._add(
                    reorder(ends[0].layout, ends[1].layout, scaled=True),
                    self._ends(*ends) | {scale_of(ARG_DST): self._scale(number)},
                    part,
                )
            value.integers = made
        return value.integers

    def _scale(self, number: int) -> Memory:
        return self._weights.vector(self._quantization.scales[number])

    def _ends(self, source: Value, target: Value) -> dict[int, Memory]:
        return {ARG_SRC: self._inside(source), ARG_DST: self._inside(target)}

    def _value(self, shape: tuple[int, int, int, int], readers: int, kind: int) -> Value:
        layout = channels_last(shape, kind)
        return Value(kind, layout, shape, self._places.take(layout.size), readers)

    def _read(self, value: Value) -> None:
        value.readers -= 1
        if value.readers == 0:
            for one in (value, value.integers):
                if one is not None:
                    self._places.give_back(one.place, one.layout.size)

    def _outside(self, layout: Layout) -> Memory:
        memory = Memory(layout, 0)
        self._kept.append(memory)
        return memory

    def _inside(self, value: Value) -> Memory:
        memory = self._outside(value.layout)
        self._movable.append((memory, value.place))
        return memory

    def _add(self, primitive: Primitive, memories: dict[int, Memory], part: int = 0) -> None:
        # part: 0 begins what several may do at once
        if primitive.scratch is not None:
            memory = self._outside(primitive.scratch)
            self._scratch.append((memory, part, primitive.scratch.size))
            memories = {**memories, ARG_SCRATCHPAD: memory}
        handles = {number: memory.handle for number, memory in memories.items()}
        self._kept += [primitive, *memories.values()]
        self._steps.add(primitive.handle, arguments(handles), part)


def _scaled(target: Value) -> tuple[int, ...]:
    # which arguments of a convolution in integers have scales
    return (ARG_SRC, ARG_WEIGHTS, *([ARG_DST] if target.kind == UINT8 else []))
