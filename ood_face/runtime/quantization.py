"""Quantization: a network's weights, and what its steps give, as integers of 8 bits.

Symmetric: a number is a scale times an integer. Weights have a scale for each filter, so that its
largest is 127; what a step gives has one, by the range that was measured on training faces:
unsigned up to 255 behind a ReLU, else signed up to 127, and what lies beyond is cut off.

Only convolutions multiply integers. The first one stays as it is, because it has the pixels; what
is added up along the network, and what comes out of it, stays in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError
from ood_face.runtime.graph import Convolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Graph

__all__ = ["NOTHING", "Quantization", "QuantizedWeights", "quantize"]

_LARGEST, _LARGEST_UNSIGNED = 127, 255


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedWeights:
    """The weights of a convolution: ``scales`` times ``weight``.

    Attributes
    ----------
    weight : int8 array of shape (filters, channels, kernel height, kernel width), -127..127
    scales : float32 array of shape (filters,)
    """

    weight: NDArray[np.int8]
    scales: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """What of a network is computed in integers.

    Attributes
    ----------
    weights : of the convolutions that multiply integers
    scales : of each value that they read, by number, float32 arrays of shape (1,)
    unsigned : values behind a ReLU
    integers : of these, the values that are computed as integers, and that nobody needs otherwise
    """

    weights: Mapping[Convolution, QuantizedWeights]
    scales: Mapping[int, NDArray[np.float32]]
    unsigned: frozenset[int]
    integers: frozenset[int]


# all stays in floating point
NOTHING = Quantization({}, {}, frozenset(), frozenset())


def quantize(graph: Graph, ranges: Sequence[float]) -> Quantization:
    """Return a network's quantization.

    Parameters
    ----------
    graph : the network
    ranges : the largest magnitude of what each step gives that is told apart, in order

    Raises
    ------
    ArtifactError
        There are more or fewer ranges than steps, or one is no positive number.
    """
    positive = all(isinstance(top, float | int) and 0 < top < np.inf for top in ranges)
    if len(ranges) != len(graph.steps) or not positive:
        raise ArtifactError(
            "runtime.ranges",
            "int8 needs {steps} positive ranges for this network, one for each step, not {got}",
            steps=len(graph.steps),
            got=len(ranges),
        )
    convolutions = [step for step in graph.steps if isinstance(step, Convolution)]
    chosen = {step for step in convolutions if step.source != graph.source}
    unsigned = frozenset(step.target for step in convolutions if step.relu)
    in_floats = {graph.target, *(step.residual for step in chosen)}
    for step in graph.steps:
        if step not in chosen:
            in_floats |= {step.target, *step.sources}
    read = {step.source for step in chosen}
    scales = {
        step.target: _scale(top, _LARGEST_UNSIGNED if step.target in unsigned else _LARGEST)
        for step, top in zip(graph.steps, ranges, strict=True)
        if step.target in read
    }
    weights = {step: _quantized(step.weight) for step in chosen}
    return Quantization(weights, scales, unsigned, unsigned - in_floats)


def _scale(top: float, largest: int) -> NDArray[np.float32]:
    return np.array([top / largest], np.float32)


def _quantized(weight: NDArray[np.float32]) -> QuantizedWeights:
    tops = np.abs(weight).max(axis=(1, 2, 3))
    # a filter of zeros has no largest
    scales = np.where(tops > 0, tops, 1).astype(np.float32) / np.float32(_LARGEST)
    whole = np.rint(weight / scales[:, None, None, None])
    return QuantizedWeights(whole.astype(np.int8), scales)
