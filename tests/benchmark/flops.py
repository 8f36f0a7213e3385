"""Floating point operations of one run of a network, counted from its program file.

Counted are convolutions and matrix products, two operations for each multiplication with its
addition: what "FLOP" means where a network is compared with a machine's peak. Biases, activations
and pooling are left out; they are below a percent of these networks.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    Shape = tuple[int, ...]

__all__ = ["UnknownOperationError", "count_flop"]


class UnknownOperationError(ValueError):
    """A program has an operation whose work is not known here; carries its name."""


def count_flop(program: Path, shape: tuple[int, ...]) -> int:
    """Return the operations of one run on an input of a shape.

    Parameters
    ----------
    program : Paddle's ``.json``, of one input
    shape : of that input, for example (16, 3, 112, 112)

    Raises
    ------
    UnknownOperationError
        The program does something that is not counted here.
    ValueError
        The program does not take such an input.
    """
    document = json.loads(program.read_text(encoding="utf-8"))
    shapes: dict[int, Shape] = {}
    total = 0
    for operation in document["program"]["regions"][0]["blocks"][0]["ops"]:
        name = operation["#"].removeprefix("1.")
        outputs = _as_list(operation.get("O", []))
        if name == "p":
            shapes[outputs[0]["%"]] = _declared(outputs[0])
            continue
        if name == "data":
            shapes[outputs[0]["%"]] = _accepted(_declared(outputs[0]), shape)
            continue
        if name == "fetch":
            continue
        attributes = {item["N"]: _plain(item["AT"]) for item in operation["A"] if "N" in item}
        if name == "full_int_array":  # the numbers themselves: sizes of windows and of shapes
            shapes[outputs[0]["%"]] = tuple(attributes["value"])
            continue
        inputs = [shapes[value["%"]] for value in operation["I"]]
        if name not in _RULES:
            message = f"{program.name}: the work of the operation {name} is not known"
            raise UnknownOperationError(message)
        made, flop = _RULES[name](inputs, attributes, _declared(outputs[0]))
        shapes[outputs[0]["%"]] = made
        total += flop
    return total


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _declared(output: dict[str, Any]) -> Shape:
    return tuple(output["TT"]["D"][1])


def _plain(attribute: dict[str, Any]) -> Any:
    value = attribute.get("D")
    if isinstance(value, list):
        return [_plain(item) if isinstance(item, dict) else item for item in value]
    return value


def _accepted(declared: Shape, shape: Shape) -> Shape:
    fits = len(declared) == len(shape) and all(
        want in (-1, got) for want, got in zip(declared, shape, strict=True)
    )
    if not fits:
        message = f"the program takes {declared}, not {shape}"
        raise ValueError(message)
    return shape


def _conv(inputs: list[Shape], attributes: dict[str, Any], _: Shape) -> tuple[Shape, int]:
    (batch, _, *sides), (filters, depth, *kernel) = inputs[0], inputs[1]
    spatial = [
        (side + pads - stretch * (width - 1) - 1) // stride + 1
        for side, pads, stretch, width, stride in zip(
            sides,
            _pads(attributes["paddings"], len(sides)),
            attributes["dilations"],
            kernel,
            attributes["strides"],
            strict=True,
        )
    ]
    made = (batch, filters, *spatial)
    # ``depth`` is the input's channels in one group
    return made, 2 * math.prod(made) * depth * math.prod(kernel)


def _pads(paddings: list[int], sides: int) -> list[int]:
    # of each side both ends together; Paddle writes one number a side, or one an end
    if len(paddings) == sides:
        return [2 * each for each in paddings]
    return [paddings[2 * i] + paddings[2 * i + 1] for i in range(sides)]


def _pool(inputs: list[Shape], attributes: dict[str, Any], declared: Shape) -> tuple[Shape, int]:
    (batch, channels, *sides), window = inputs
    if attributes["global_pooling"] or attributes["adaptive"]:
        return (batch, *declared[1:]), 0
    rounded = math.ceil if attributes["ceil_mode"] else math.floor
    pads = _pads(attributes["paddings"], len(sides))
    places = zip(sides, pads, window, attributes["strides"], strict=True)
    spatial = (rounded((side + pad - width) / stride) + 1 for side, pad, width, stride in places)
    return (batch, channels, *spatial), 0


def _product(inputs: list[Shape], attributes: dict[str, Any], _: Shape) -> tuple[Shape, int]:
    left, right = inputs
    if attributes["transpose_x"]:
        left = (*left[:-2], left[-1], left[-2])
    if attributes["transpose_y"]:
        right = (*right[:-2], right[-1], right[-2])
    made = (*left[:-1], right[-1])
    return made, 2 * math.prod(made) * left[-1]


def _flatten(inputs: list[Shape], attributes: dict[str, Any], _: Shape) -> tuple[Shape, int]:
    first, last = attributes["start_axis"], attributes["stop_axis"]
    shape = inputs[0]
    return (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]), 0


def _as_declared(inputs: list[Shape], _: dict[str, Any], declared: Shape) -> tuple[Shape, int]:
    # reshaped weights: the program says how
    del inputs
    return declared, 0


def _same(inputs: list[Shape], _: dict[str, Any], __: Shape) -> tuple[Shape, int]:
    return inputs[0], 0


_RULES: dict[str, Callable[[list[Shape], dict[str, Any], Shape], tuple[Shape, int]]] = {
    "add": _same,
    "batch_norm_": _same,
    "conv2d": _conv,
    "depthwise_conv2d": _conv,
    "flatten": _flatten,
    "matmul": _product,
    "multiply": _same,
    "pool2d": _pool,
    "prelu": _same,
    "relu": _same,
    "reshape": _as_declared,
    "scale": _same,
    "sigmoid": _same,
    "subtract": _same,
}
