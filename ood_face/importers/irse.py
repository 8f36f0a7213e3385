"""DAMO's RTS network as its file holds it: names, shapes, and BatchNorm folded where it can be.

The network is an IR-SE residual network (BatchNorm, convolution, PReLU, convolution, BatchNorm,
squeeze and excitation, beside a shortcut), then BatchNorm, dropout and flatten, then one linear
layer with BatchNorm for the feature and one for the log-variance. The published class always has
both log-variance layers, with 1 number and with ``alpha`` numbers ("plus"); its configuration
says which one is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError
from ood_face.types import CROP_SIDE_PX, FEATURE_DIM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = [
    "BATCH_NORM_EPSILON",
    "IR_SE_64",
    "LOGVAR_LAYERS",
    "Architecture",
    "Block",
    "check_state",
    "fold_convolution",
    "fold_linear",
]

State = dict[str, "NDArray[np.float32]"]

# PyTorch's default, which the network does not change
BATCH_NORM_EPSILON = 1e-5
# PyTorch's default of the dropout before the two linear layers
DROPOUT = 0.5
# plus form? -> its layer
LOGVAR_LAYERS = {False: "logvar_rts_backbone", True: "logvar_rts_plus_backbone"}
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class Block:
    """One residual block; a block that keeps the width has no weights in its shortcut."""

    prefix: str
    width_in: int
    width: int
    stride: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of an IR-SE network.

    Attributes
    ----------
    name : as people call it
    stem : channels of the first convolution
    stages : (channels, blocks) of each stage; the first block of a stage halves the picture
    reduction : the squeeze has this many times fewer channels
    """

    name: str
    stem: int
    stages: tuple[tuple[int, int], ...]
    reduction: int = 16

    @property
    def flat_width(self) -> int:
        """Numbers that the two linear layers read."""
        side = CROP_SIDE_PX >> len(self.stages)  # each stage halves it
        return self.stages[-1][0] * side * side

    def blocks(self) -> Iterator[Block]:
        """Return the blocks from the input to the output."""
        number, width_in = 0, self.stem
        for width, count in self.stages:
            for position in range(count):
                yield Block(f"features.1.{number}", width_in, width, 1 if position else 2)
                number, width_in = number + 1, width

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return every tensor before the log-variance layers, in the order of the network."""
        found: dict[str, tuple[int, ...]] = {"features.0.0.weight": (self.stem, 3, 3, 3)}
        found |= _norm_shapes("features.0.1", self.stem)
        found["features.0.2.weight"] = (self.stem,)
        for block in self.blocks():
            found |= self._block_shapes(block)
        found |= _norm_shapes("features.2.0", self.stages[-1][0])
        return found | self.linear_shapes("features_backbone", FEATURE_DIM)

    def linear_shapes(self, layer: str, count: int) -> dict[str, tuple[int, ...]]:
        """Return the tensors of a linear layer to ``count`` numbers and of its BatchNorm."""
        return {
            f"{layer}.0.weight": (count, self.flat_width),
            f"{layer}.0.bias": (count,),
            **_norm_shapes(f"{layer}.1", count),
        }

    def _block_shapes(self, block: Block) -> dict[str, tuple[int, ...]]:
        width_in, width = block.width_in, block.width
        shortcut, residual = f"{block.prefix}.shortcut_layer", f"{block.prefix}.res_layer"
        found: dict[str, tuple[int, ...]] = {}
        if width_in != width:
            found[f"{shortcut}.0.weight"] = (width, width_in, 1, 1)
            found |= _norm_shapes(f"{shortcut}.1", width)
        found |= _norm_shapes(f"{residual}.0", width_in)
        found[f"{residual}.1.weight"] = (width, width_in, 3, 3)
        found[f"{residual}.2.weight"] = (width,)
        found[f"{residual}.3.weight"] = (width, width, 3, 3)
        found |= _norm_shapes(f"{residual}.4", width)
        squeezed = width // self.reduction
        found[f"{residual}.5.fc1.weight"] = (squeezed, width, 1, 1)
        found[f"{residual}.5.fc2.weight"] = (width, squeezed, 1, 1)
        return found


IR_SE_64 = Architecture("IR-SE-64", 64, ((64, 3), (128, 8), (256, 16), (512, 3)))


def check_state(state: Mapping[str, NDArray[np.generic]], architecture: Architecture) -> State:
    """Return the tensors as float32, all of them there and of the right shape.

    Raises
    ------
    ArtifactError
        A tensor is missing, has another shape or type, is not finite, or is one that the network
        does not have; names the first.
    """
    expected = architecture.shapes()
    alpha = np.shape(state.get(f"{LOGVAR_LAYERS[True]}.0.bias", ()))
    counts = {False: 1, True: max(1, *alpha[:1]) if alpha else 1}
    present = [
        plus for plus, layer in LOGVAR_LAYERS.items() if any(key.startswith(layer) for key in state)
    ]
    for plus in present or [False]:
        expected |= architecture.linear_shapes(LOGVAR_LAYERS[plus], counts[plus])
    checked = {name: _checked(state, name, shape) for name, shape in expected.items()}
    for name in state:
        counter = re.sub(f"{_COUNTER}$", "running_mean", name)
        if name not in expected and counter not in expected:
            raise ArtifactError(
                "import.unexpected_tensor",
                "this is no {architecture} RTS network: it has the tensor {name}, which that "
                "network does not have",
                architecture=architecture.name,
                name=name[:120],
            )
    return checked


def _checked(
    state: Mapping[str, NDArray[np.generic]], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    tensor = state.get(name)
    if tensor is None:
        raise ArtifactError(
            "import.missing_tensor",
            "this is no RTS network: the tensor {name} is missing",
            name=name,
        )
    if tensor.shape != shape:
        raise ArtifactError(
            "import.tensor_shape",
            "this is no RTS network of the right sizes: the tensor {name} has the shape {found}, "
            "not {expected}",
            name=name,
            found=tensor.shape,
            expected=shape,
        )
    numbers = tensor.astype(np.float32)
    usable = tensor.dtype.kind == "f" and bool(np.isfinite(numbers).all())
    if not usable or (name.endswith("running_var") and numbers.min() < 0):
        raise ArtifactError(
            "import.tensor_numbers",
            "the tensor {name} must hold finite decimal numbers, and variances that are not "
            "negative",
            name=name,
        )
    return numbers


def _norm(state: State, prefix: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a BatchNorm as factor and summand."""
    variance = state[f"{prefix}.running_var"].astype(np.float64)
    factor = state[f"{prefix}.weight"] / np.sqrt(variance + BATCH_NORM_EPSILON)
    return factor, state[f"{prefix}.bias"] - state[f"{prefix}.running_mean"] * factor


def fold_convolution(
    state: State, convolution: str, prefix: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weight and bias of a convolution without bias and the BatchNorm behind it."""
    factor, summand = _norm(state, prefix)
    weight = state[f"{convolution}.weight"] * factor[:, None, None, None]
    return weight.astype(np.float32), summand.astype(np.float32)


def fold_linear(state: State, layer: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weight and bias of a linear layer and the BatchNorm behind it."""
    factor, summand = _norm(state, f"{layer}.1")
    weight = state[f"{layer}.0.weight"] * factor[:, None]
    bias = state[f"{layer}.0.bias"] * factor + summand
    return weight.astype(np.float32), bias.astype(np.float32)


def _norm_shapes(prefix: str, count: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{prefix}.{name}": (count,) for name in names}
