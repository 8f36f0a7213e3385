"""The weights file of a Paddle program, ``.pdiparams``."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_weights"]

_FLOAT32 = 5  # of Paddle's VarType


def read_weights(operations: Any, content: bytes) -> dict[int, NDArray[np.float32]]:  # noqa: ANN401
    """Return the weights of a program by the number of the value that they are.

    The file holds the parameters in the order of their names, each with its shape before it.

    Parameters
    ----------
    operations : of the program's document
    content : of the weights file

    Raises
    ------
    ValueError
        The file does not hold what the program declares.
    struct.error
        It ends too early.
    """
    declared = sorted(
        (str(op["A"][3]), op["O"]["%"], tuple(op["O"]["TT"]["D"][1]))
        for op in operations
        if op["#"] == "p"
    )
    found = {}
    offset = 0
    for name, value, shape in declared:
        # version, level of detail and version again (all 0), then the length of what describes
        lead, length = (
            content[offset : offset + 16],
            *struct.unpack_from("<i", content, offset + 16),
        )
        offset += 20
        kind, sides = _described(content[offset : offset + length])
        offset += length
        if any(lead) or kind != _FLOAT32 or sides != shape:
            message = f"the weights file has something else where {name} of shape {shape} should be"
            raise ValueError(message)
        count = math.prod(shape)
        found[value] = np.frombuffer(content, "<f4", count, offset).reshape(shape)
        offset += 4 * count
    if offset != len(content):
        message = f"the weights file has {len(content)} bytes, the program wants {offset}"
        raise ValueError(message)
    return found


def _described(content: bytes) -> tuple[int, tuple[int, ...]]:
    # a protocol buffer: field 1, the type; field 2, repeated, the sides
    values: dict[int, list[int]] = {1: [], 2: []}
    place = 0
    while place < len(content):
        field = content[place] >> 3
        number, shift = 0, 0
        place += 1
        while True:
            byte = content[place]
            number |= (byte & 127) << shift
            place, shift = place + 1, shift + 7
            if byte < 128:
                break
        values[field].append(number)
    return values[1][0], tuple(values[2])
