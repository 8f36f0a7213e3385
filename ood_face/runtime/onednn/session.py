"""A network on oneDNN itself: a pool of workers, each with its plans and its memory."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.cores import anywhere
from ood_face.errors import BackendError
from ood_face.runtime.onednn.arena import Arena
from ood_face.runtime.onednn.descriptors import Stream, in_order
from ood_face.runtime.onednn.library import (
    BFLOAT16,
    FLOAT32,
    check_status,
    library,
    use_threads,
)
from ood_face.runtime.onednn.plan import Plan
from ood_face.runtime.onednn.primitives import check_bfloat16
from ood_face.runtime.onednn.weights import SharedWeights
from ood_face.runtime.pool import PooledSession, check_pool
from ood_face.runtime.program import check_inputs
from ood_face.runtime.quantization import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Graph
    from ood_face.runtime.program import InputSpec
    from ood_face.runtime.quantization import Quantization

__all__ = ["Aimed", "OneDnnSession", "Runner"]

# shapes of input that a worker keeps ready; the callers bring fewer
_PLANS = 32
# of a convolution, that steps.c can tell apart
_MOST_PARTS = 7


@dataclass(frozen=True, slots=True)
class Aimed:
    """A network that reads and writes at fixed places; see :meth:`Runner.aim`.

    Attributes
    ----------
    answer : what a run writes to
    address : where the native library finds the plan, see ``native.h``
    job : 0, there is none: the plan has the size of the picture
    """

    answer: NDArray[np.float32]
    address: int
    job: int = 0

    def check(self, status: int) -> None:
        """Raise BackendError if a run ended with this status, and that is no success."""
        check_status("primitive_execute", status)


class _Worker:
    # Used by one call at a time. With several threads it runs on a thread of its own: OpenMP
    # keeps the helpers of every thread that ever asked for some.

    def __init__(
        self,
        graph: Graph,
        kind: int,
        weights: SharedWeights,
        threads: int,
        quantization: Quantization,
    ) -> None:
        self._graph, self._kind, self._weights = graph, kind, weights
        self._threads, self._quantization = threads, quantization
        self._streams = [Stream()]
        self._arena = Arena()
        self._plans: OrderedDict[tuple[tuple[int, ...], tuple[int, ...], int], Plan] = OrderedDict()
        self._own = None if threads == 1 else ThreadPoolExecutor(1, "network", anywhere)

    def run(
        self, image: NDArray[np.float32], team: int = 0, helpers: int = 0
    ) -> NDArray[np.float32]:
        if self._own is None:
            return self._run(image, team, helpers)
        return self._own.submit(self._run, image).result()

    def close(self) -> None:
        if self._own is not None:
            self._own.shutdown()
        self._plans.clear()

    def aimed(self, image: NDArray[np.float32]) -> Aimed:
        with _memory_told(image):
            plan = self._plan(image)
            return Aimed(plan.aim(image, self._arena), plan.address)

    def _run(
        self, image: NDArray[np.float32], team: int = 0, helpers: int = 0
    ) -> NDArray[np.float32]:
        if not _can_be_described(image):
            image = in_order(image)
        # the rows of several pictures do not lie behind each other
        parts = 1 + helpers if team and len(image) == 1 else 1
        return self._plan(image, parts).run(image, self._arena, team)

    def _plan(self, image: NDArray[np.float32], parts: int = 1) -> Plan:
        use_threads(self._threads)
        key = (image.shape, image.strides, parts)
        plan = self._plans.get(key)
        if plan is None:
            while len(self._streams) < parts:
                self._streams.append(Stream())
            given = (self._kind, self._weights, self._streams[:parts], self._quantization)
            plan = Plan(self._graph, image, *given)
            self._plans[key] = plan
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan


@dataclass(frozen=True, slots=True)
class Runner:
    """A worker that is held; for one caller."""

    _specs: Mapping[str, InputSpec]
    _worker: _Worker

    def aim(self, image: NDArray[np.float32]) -> Aimed:
        """Make ready to run, by the native library, on what lies in ``image``; until the next time.

        Raises
        ------
        BackendError
            oneDNN failed, memory is short, the input does not fit the network or lies in memory as
            oneDNN cannot read it.
        """
        (name,) = self._specs
        check_inputs(self._specs, {name: image})
        if not _can_be_described(image):
            raise BackendError(
                "runtime.image_layout",
                "pixels of the shape {shape} lie in memory with the steps {strides}, which oneDNN "
                "cannot read",
                shape=image.shape,
                strides=image.strides,
            )
        return self._worker.aimed(image)


class OneDnnSession(PooledSession[_Worker]):
    """One network; safe to call from several threads, see :class:`ood_face.ports.Session`.

    Parameters
    ----------
    graph : the network
    specs : what it takes: one input of four sides
    workers : calls that run at once; further ones wait
    threads : threads inside one call
    bfloat16 : compute in bfloat16; weights, inputs and outputs stay float32
    quantization : what is computed in integers instead

    Raises
    ------
    BackendError
        The library is not there or another one than expected, or the processor does not compute
        in bfloat16.
    """

    any_size = False

    def __init__(
        self,
        graph: Graph,
        specs: Mapping[str, InputSpec],
        *,
        workers: int,
        threads: int,
        bfloat16: bool,
        quantization: Quantization = NOTHING,
    ) -> None:
        check_pool(workers, threads)
        library()
        if bfloat16:
            check_bfloat16()
        (self._input,) = specs
        self._output = graph.output
        self._graph = graph
        weights = SharedWeights(natively=threads == 1)
        kind = BFLOAT16 if bfloat16 else FLOAT32
        given = (graph, kind, weights, threads, quantization)
        super().__init__([_Worker(*given) for _ in range(workers)], specs)

    @property
    def graph(self) -> Graph:
        """The network's steps."""
        return self._graph

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; the output belongs to the caller.

        Raises
        ------
        BackendError
            oneDNN failed, memory is short, the inputs do not fit the network, or the session is
            closed.
        """
        return self.run_with(inputs, 0, 0)

    def run_with(
        self, inputs: Mapping[str, NDArray[np.float32]], team: int, helpers: int
    ) -> dict[str, NDArray[np.float32]]:
        """Run it once, by several threads; see :class:`ood_face.ports.SharedSession`."""
        check_inputs(self._specs, inputs)
        image = inputs[self._input]
        with self._pool.taken() as worker, _memory_told(image):
            return {self._output: worker.run(image, team, min(helpers, _MOST_PARTS - 1))}

    @contextmanager
    def held(self, most: int) -> Iterator[list[Runner]]:
        """Hold so many workers, or as many as are free, one at least: for the native library.

        With one thread only.

        Raises
        ------
        BackendError
            The session is closed.
        """
        with self._pool.several(most) as workers:
            yield [Runner(self._specs, worker) for worker in workers]


@contextmanager
def _memory_told(image: NDArray[np.float32]) -> Iterator[None]:
    try:
        yield
    except MemoryError as exc:
        raise BackendError(
            "runtime.memory",
            "there is not enough memory for an input of shape {shape}",
            shape=image.shape,
        ) from exc


def _can_be_described(image: NDArray[np.float32]) -> bool:
    # aligned, nothing backwards, and nothing twice: each step goes past all that lies inside it
    reach = image.itemsize
    for stride, side in sorted(zip(image.strides, image.shape, strict=True)):
        if side > 1:
            if stride < reach or stride % image.itemsize:
                return False
            reach = stride * side
    return image.flags.aligned
