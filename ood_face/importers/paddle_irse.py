"""An IR-SE network in Paddle, up to the numbers that the linear layers read."""

# ruff: noqa: ANN401  (paddle has no type information)

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import BackendError
from ood_face.importers.irse import BATCH_NORM_EPSILON, fold_convolution
from ood_face.types import CROP_SIDE_PX

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.importers.irse import Architecture, Block, State

__all__ = ["export_trunk"]


def export_trunk(state: State, architecture: Architecture, target: Path) -> None:
    """Write ``<target>.json`` and ``<target>.pdiparams``.

    The program takes ``image`` (N, 3, 112, 112) and gives the flattened map (N, D).

    Parameters
    ----------
    state : tensors of the network, checked
    target : path without suffix

    Raises
    ------
    BackendError
        Paddle cannot be loaded, or cannot write.
    """
    try:
        paddle, prelu = _paddle(), _prelu_class()
        residual = _residual_class(prelu)
        trunk = paddle.nn.Sequential(
            _convolution(*fold_convolution(state, "features.0.0", "features.0.1")),
            prelu(state["features.0.2.weight"]),
            *[residual(state, block) for block in architecture.blocks()],
            _norm(state, "features.2.0"),
            paddle.nn.Flatten(),
        )
        trunk.eval()
        side = CROP_SIDE_PX
        spec = paddle.static.InputSpec([None, 3, side, side], "float32", "image")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # paddle's own notes on its converter
            paddle.jit.save(trunk, str(target), input_spec=[spec])
    except (ImportError, RuntimeError, OSError, ValueError) as exc:
        reason = str(exc).strip().splitlines()
        raise BackendError(
            "import.build",
            "Paddle could not build the network: {reason}",
            reason=reason[0] if reason else type(exc).__name__,
        ) from exc


def _paddle() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No ccache found")
        import paddle  # noqa: PLC0415  (seconds of import, only for an import of a model)
    return paddle


def _convolution(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32] | None = None,
    stride: int = 1,
) -> Any:
    filters, channels, side, _ = weight.shape
    layer = _paddle().nn.Conv2D(
        channels,
        filters,
        side,
        stride=stride,
        padding=side // 2,
        bias_attr=None if bias is not None else False,
    )
    layer.weight.set_value(weight)
    if bias is not None:
        layer.bias.set_value(bias)
    return layer


def _norm(state: State, prefix: str) -> Any:
    # in front of a convolution with padding, a BatchNorm cannot be folded: it moves the rim's zeros
    names = {
        "weight": "weight",
        "bias": "bias",
        "running_mean": "_mean",
        "running_var": "_variance",
    }
    layer = _paddle().nn.BatchNorm2D(len(state[f"{prefix}.weight"]), epsilon=BATCH_NORM_EPSILON)
    layer.set_state_dict({own: state[f"{prefix}.{name}"] for name, own in names.items()})
    return layer


def _prelu_class() -> Any:
    paddle = _paddle()

    class Prelu(paddle.nn.Layer):  # type: ignore[misc, name-defined]  # paddle has no types
        # Paddle's own PReLU gives wrong numbers where the engine computes in bfloat16 (3.3.1:
        # off by 1.2 in values up to 6, and by infinity through a network)
        def __init__(self, slopes: NDArray[np.float32]) -> None:
            super().__init__()
            column = slopes.reshape(1, -1, 1, 1)
            self.below = self.create_parameter(column.shape)
            self.below.set_value(column)
            self.rest = self.create_parameter(column.shape)
            self.rest.set_value(1 - column)

        def forward(self, x: Any) -> Any:
            return self.below * x + self.rest * paddle.nn.functional.relu(x)

    return Prelu


def _residual_class(prelu: Any) -> Any:
    paddle = _paddle()
    nn = paddle.nn

    class Residual(nn.Layer):  # type: ignore[misc, name-defined]  # paddle has no type information
        def __init__(self, state: State, block: Block) -> None:
            super().__init__()
            shortcut, residual = f"{block.prefix}.shortcut_layer", f"{block.prefix}.res_layer"
            second = fold_convolution(state, f"{residual}.3", f"{residual}.4")
            self.body = nn.Sequential(
                _norm(state, f"{residual}.0"),
                _convolution(state[f"{residual}.1.weight"]),
                prelu(state[f"{residual}.2.weight"]),
                _convolution(*second, stride=block.stride),
            )
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2D(1),
                _convolution(state[f"{residual}.5.fc1.weight"]),
                nn.ReLU(),
                _convolution(state[f"{residual}.5.fc2.weight"]),
                nn.Sigmoid(),
            )
            # a pool of one pixel takes every second one
            self.shortcut = nn.Identity() if block.stride == 1 else nn.MaxPool2D(1, block.stride)
            if block.width_in != block.width:
                folded = fold_convolution(state, f"{shortcut}.0", f"{shortcut}.1")
                self.shortcut = _convolution(*folded, stride=block.stride)

        def forward(self, x: Any) -> Any:
            residual = self.body(x)
            return residual * self.gate(residual) + self.shortcut(x)

    return Residual
