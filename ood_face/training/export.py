"""Export: a trained PyTorch network becomes a Paddle inference program with folded BatchNorm."""

# ruff: noqa: ANN401  (torch gives submodules no types)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
import torch

from ood_face.training.checkpoint import load_checkpoint
from ood_face.training.network import LEAKY_SLOPE, NetworkConfig, StudentNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

__all__ = ["export_network", "fold", "load_network"]


def fold(pair: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold a convolution and its BatchNorm into one weight and one bias."""
    conv, norm = pair[0], pair[1]  # conv_bn returns a Sequential of the two
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight * scale[:, None, None, None]
    bias = norm.bias - norm.running_mean * scale
    return weight.detach().float().numpy(), bias.detach().float().numpy()


class _FoldedConv(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    def __init__(self, pair: Any) -> None:
        super().__init__()
        weight, bias = fold(pair)
        source = pair[0]
        self.conv = paddle.nn.Conv2D(
            source.in_channels,
            source.out_channels,
            source.kernel_size,
            stride=source.stride,
            padding=source.padding,
        )
        self.conv.weight.set_value(weight)
        self.conv.bias.set_value(bias)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x)


class _Leaky(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    # As a maximum: Paddle 3.3's pass that fuses leaky_relu into a oneDNN convolution
    # crashes when the program is loaded.

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return paddle.maximum(x, x * LEAKY_SLOPE)


class _Block(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    def __init__(self, block: Any) -> None:
        super().__init__()
        self.first = _FoldedConv(block.first)
        self.second = _FoldedConv(block.second)
        identity = isinstance(block.shortcut, torch.nn.Identity)
        self.shortcut = None if identity else _FoldedConv(block.shortcut)
        self.act = _Leaky()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        residual = self.second(self.act(self.first(x)))
        return residual + (x if self.shortcut is None else self.shortcut(x))


class _Program(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    """The whole network as Paddle layers: feature (N, 512) and logvar (N, dof)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = _FoldedConv(network.stage1[0][0])
        blocks = [*network.stage1[1], *network.stage2, *network.stage3]
        self.blocks = paddle.nn.Sequential(*[_Block(block) for block in blocks])
        self.reduce = _FoldedConv(network.head.reduce)
        self.act = _Leaky()
        self.feature = _linear(network.head.feature)
        self.logvar = _linear(network.head.logvar)

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        maps = self.blocks(self.act(self.stem(x)))
        flat = paddle.flatten(self.act(self.reduce(maps)), 1)
        return self.feature(flat), self.logvar(flat)


def _linear(source: nn.Linear) -> paddle.nn.Linear:
    layer = paddle.nn.Linear(source.in_features, source.out_features)
    layer.weight.set_value(source.weight.detach().float().numpy().T.copy())
    layer.bias.set_value(source.bias.detach().float().numpy())
    return layer


def export_network(network: StudentNetwork, out: Path) -> tuple[Path, Path]:
    """Write ``<out>.json`` and ``<out>.pdiparams``; return both paths.

    Parameters
    ----------
    network : in evaluation mode or not; dropout is left out, BatchNorm is folded
    out : path without suffix
    """
    program = _Program(network.cpu().eval())
    program.eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    spec = [paddle.static.InputSpec([None, 3, 112, 112], "float32", "image")]
    paddle.jit.save(paddle.jit.to_static(program, input_spec=spec, full_graph=True), str(out))
    return out.with_suffix(".json"), out.with_suffix(".pdiparams")


def load_network(checkpoint: Path) -> StudentNetwork:
    """Rebuild the averaged network of a checkpoint."""
    state = load_checkpoint(checkpoint)
    network = StudentNetwork(NetworkConfig(**state["config"]))
    network.load_state_dict(state["average"])
    return network.eval()
