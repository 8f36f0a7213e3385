"""Paddle programs read as :mod:`ood_face.runtime.graph` describes networks.

Only programs of plain convolutional networks can be read so; the others are Paddle's to run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import BackendError
from ood_face.runtime.graph import Convolution, Graph, MaxPool
from ood_face.runtime.params import read_weights
from ood_face.runtime.program import operations_of, readable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Step

__all__ = ["UnsupportedProgramError", "read_graph"]


class UnsupportedProgramError(BackendError):
    """The program has an operation that is not among the steps."""


def read_graph(program: Path, params: Path) -> Graph:
    """Read a program of one input and one output, with its weights.

    Raises
    ------
    UnsupportedProgramError
        It has other operations than these.
    BackendError
        A file cannot be read, or they do not belong together.
    """
    with readable(program):
        operations = operations_of(program)
        reader = _Reader(read_weights(operations, params.read_bytes()), _uses(operations))
        for operation in operations:
            reader.read(operation)
        return reader.graph()


class _Reader:
    # takes the operations one by one; a step is the last that made its target

    def __init__(self, weights: Mapping[int, NDArray[np.float32]], uses: Mapping[int, int]) -> None:
        self._constants = dict(weights)
        self._biases: dict[int, NDArray[np.float32]] = {}
        self._uses = uses
        self._lists: dict[int, tuple[int, ...]] = {}
        self._steps: dict[int, Step] = {}
        self._source: int | None = None
        self._flat: dict[int, int] = {}
        self._output: tuple[int, str] | None = None

    def graph(self) -> Graph:
        if self._source is None or self._output is None:
            raise _unsupported(what="no input or no output")
        target, name = self._output
        flat = target in self._flat
        target = self._flat.get(target, target)
        return Graph(self._source, tuple(self._steps.values()), target, name, flat)

    def read(self, operation: Any) -> None:  # noqa: ANN401
        kind = operation["#"]
        if kind == "p":
            return
        name = kind.partition(".")[2]
        method = getattr(self, f"_read_{name}", None)
        if method is None:
            raise _unsupported(name)
        sources = [entry["%"] for entry in operation["I"]]
        target = operation["O"][0]["%"] if operation["O"] else -1
        if any(source in self._flat for source in sources) and name != "fetch":
            raise _unsupported(what=f"{name} of a flat value")
        method(_attributes(operation), sources, target)

    def _read_data(self, _given: dict[str, Any], _sources: list[int], target: int) -> None:
        if self._source is not None:
            raise _unsupported(what="a second input")
        self._source = target

    def _read_full_int_array(self, given: dict[str, Any], _sources: list[int], target: int) -> None:
        self._lists[target] = tuple(given["value"])

    def _read_conv2d(self, given: dict[str, Any], sources: list[int], target: int) -> None:
        weight = self._constants[sources[1]]
        plain = (
            tuple(given["dilations"]) == (1, 1)
            and given["groups"] == 1
            and given["data_format"] == "NCHW"
            and given["padding_algorithm"] == "EXPLICIT"
            and len(given["paddings"]) == 2
        )
        if not plain:
            raise _unsupported(what="a convolution that is grouped, dilated or padded by itself")
        self._steps[target] = Convolution(
            sources[0],
            target,
            weight,
            np.zeros(len(weight), np.float32),
            tuple(given["strides"]),
            tuple(given["paddings"]),
        )

    def _read_reshape(self, _given: dict[str, Any], sources: list[int], target: int) -> None:
        # of a bias, one number a channel; of another shape it would be added along other axes
        shape = self._lists.get(sources[1], ())
        if (
            sources[0] not in self._constants
            or len(shape) != 4
            or (shape[0], *shape[2:]) != (1,) * 3
        ):
            raise _unsupported(what="a reshape of what is no bias")
        self._biases[target] = self._constants[sources[0]].reshape(-1)

    def _read_add(self, _given: dict[str, Any], sources: list[int], target: int) -> None:
        first, second = sources
        if second in self._biases:
            step, bias = self._open_convolution(first), self._biases[second]
            if bias.shape != step.bias.shape:
                raise _unsupported(what="a bias of another size than its convolution's")
            self._put(replace(step, bias=step.bias + bias), first, target)
            return
        if {first, second} & (self._constants.keys() | self._biases.keys()):
            raise _unsupported(what="a sum with a constant that is no bias")
        order = list(self._steps)
        # the later of the two takes the other one in: that is there by then
        later, other = max(
            ((first, second), (second, first)),
            key=lambda pair: order.index(pair[0]) if pair[0] in order else -1,
        )
        step = self._open_convolution(later)
        if step.residual is not None:
            raise _unsupported(what="a sum of three")
        self._put(replace(step, residual=other), later, target)

    def _read_prelu(self, given: dict[str, Any], sources: list[int], target: int) -> None:
        if given["mode"] != "channel":
            raise _unsupported(what="a PReLU that is not by channel")
        step = self._open_convolution(sources[0])
        slopes = self._constants[sources[1]].reshape(-1)
        self._put(replace(step, slopes=slopes), sources[0], target)

    def _read_relu(self, _given: dict[str, Any], sources: list[int], target: int) -> None:
        step = self._open_convolution(sources[0])
        self._put(replace(step, relu=True), sources[0], target)

    def _read_pool2d(self, given: dict[str, Any], sources: list[int], target: int) -> None:
        plain = (
            given["pooling_type"] == "max"
            and given["ceil_mode"]
            and not given["adaptive"]
            and not given["global_pooling"]
            and not any(given["paddings"])
            and given["data_format"] == "NCHW"
        )
        if not plain:
            raise _unsupported(what="a pooling other than the largest, rounded up")
        kernel = self._lists[sources[1]]
        self._steps[target] = MaxPool(
            sources[0], target, (kernel[0], kernel[-1]), tuple(given["strides"])
        )

    def _read_flatten(self, given: dict[str, Any], sources: list[int], target: int) -> None:
        if given["start_axis"] != 1 or given["stop_axis"] not in (-1, 3):
            raise _unsupported(what="a flatten of some axes")
        self._flat[target] = sources[0]

    def _read_fetch(self, given: dict[str, Any], sources: list[int], _target: int) -> None:
        if self._output is not None:
            raise _unsupported(what="a second output")
        self._output = (sources[0], given["name"])

    def _open_convolution(self, value: int) -> Convolution:
        step = self._steps.get(value)
        if not isinstance(step, Convolution) or step.is_activated or self._uses[value] != 1:
            raise _unsupported(what="an operation that follows no convolution")
        return step

    def _put(self, step: Convolution, old: int, target: int) -> None:
        del self._steps[old]
        self._steps[target] = replace(step, target=target)


def _unsupported(what: str) -> UnsupportedProgramError:
    return UnsupportedProgramError(
        "runtime.unsupported", "the program has {what}, which only Paddle can run", what=what
    )


def _attributes(operation: Any) -> dict[str, Any]:  # noqa: ANN401
    return {str(item["N"]): _plain(item["AT"]) for item in operation["A"]}


def _plain(value: Any) -> Any:  # noqa: ANN401
    content = value["D"]
    if value["#"].endswith("a_array"):
        return [_plain(item) for item in content]
    return content


def _uses(operations: Any) -> dict[int, int]:  # noqa: ANN401
    counts: dict[int, int] = {}
    for operation in operations:
        for entry in operation.get("I", ()):
            counts[entry["%"]] = counts.get(entry["%"], 0) + 1
    return counts
