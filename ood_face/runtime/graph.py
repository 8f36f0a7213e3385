"""A network as a list of fused steps: convolutions with what follows them, and pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Convolution", "Graph", "MaxPool", "Step"]


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """``activation(source * weight + bias [+ residual])``.

    Attributes
    ----------
    source, target : values by number
    weight : float32 array of shape (filters, channels, kernel height, kernel width)
    bias : float32 array of shape (filters,)
    strides, padding : rows and columns
    residual : a value of the target's shape that is added; None: none
    slopes : float32 array of shape (filters,): a PReLU; None: none
    relu : a ReLU
    """

    source: int
    target: int
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strides: tuple[int, int]
    padding: tuple[int, int]
    residual: int | None = None
    slopes: NDArray[np.float32] | None = None
    relu: bool = False

    @property
    def sources(self) -> set[int]:
        """The values it reads."""
        return {self.source} if self.residual is None else {self.source, self.residual}

    @property
    def is_activated(self) -> bool:
        """Nothing can be added any more."""
        return self.relu or self.slopes is not None

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the target."""
        kernel = self.weight.shape[2:]
        rows, cols = (
            (side + 2 * pad - span) // stride + 1
            for side, pad, span, stride in zip(
                (height, width), self.padding, kernel, self.strides, strict=True
            )
        )
        return rows, cols


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest of each window; windows at the end may reach past it."""

    source: int
    target: int
    kernel: tuple[int, int]
    strides: tuple[int, int]

    @property
    def sources(self) -> set[int]:
        """The values it reads."""
        return {self.source}

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the target."""
        rows, cols = (
            -(-(side - span) // stride) + 1
            for side, span, stride in zip((height, width), self.kernel, self.strides, strict=True)
        )
        return rows, cols


Step = Convolution | MaxPool


@dataclass(frozen=True, slots=True)
class Graph:
    """A network.

    Attributes
    ----------
    source : number of the input
    steps : in order
    target : number of the output
    output : its name
    flat : the output has the shape (N, everything else)
    """

    source: int
    steps: tuple[Step, ...]
    target: int
    output: str
    flat: bool
