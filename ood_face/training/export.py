"""Export: a trained PyTorch network becomes a Paddle inference program with folded BatchNorm."""

# ruff: noqa: ANN401  (torch gives submodules no types)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
import torch

from ood_face.training.checkpoint import load_checkpoint
from ood_face.training.network import NetworkConfig, StudentNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["export_head", "export_network", "fold", "load_network"]


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


class _Block(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    def __init__(self, block: Any) -> None:
        super().__init__()
        self.first = _FoldedConv(block.first)
        self.second = _FoldedConv(block.second)
        identity = isinstance(block.shortcut, torch.nn.Identity)
        self.shortcut = None if identity else _FoldedConv(block.shortcut)
        self.act = paddle.nn.ReLU()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        residual = self.second(self.act(self.first(x)))
        return residual + (x if self.shortcut is None else self.shortcut(x))


class _Trunk(paddle.nn.Layer):  # type: ignore[misc]  # paddle ships no types
    """Everything before the dropout as Paddle layers: the flattened map (N, D)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = _FoldedConv(network.stage1[0][0])
        blocks = [*network.stage1[1], *network.stage2, *network.stage3]
        self.blocks = paddle.nn.Sequential(*[_Block(block) for block in blocks])
        self.reduce = _FoldedConv(network.head.reduce)
        self.act = paddle.nn.ReLU()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        maps = self.blocks(self.act(self.stem(x)))
        return paddle.flatten(self.act(self.reduce(maps)), 1)


def export_network(network: StudentNetwork, out: Path) -> tuple[Path, Path]:
    """Write the part before the dropout as ``<out>.json`` and ``<out>.pdiparams``.

    Parameters
    ----------
    network : in evaluation mode or not; BatchNorm is folded
    out : path without suffix

    Returns
    -------
    the two paths; the program gives the flattened map (N, D), which the head reads
    """
    program = _Trunk(network.cpu().eval())
    program.eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    spec = [paddle.static.InputSpec([None, 3, 112, 112], "float32", "image")]
    paddle.jit.save(paddle.jit.to_static(program, input_spec=spec, full_graph=True), str(out))
    return out.with_suffix(".json"), out.with_suffix(".pdiparams")


def export_head(
    network: StudentNetwork,
    path: Path,
    identities: NDArray[np.float32] | None = None,
    logit_scale: float = 1.0,
) -> Path:
    """Write the two linear layers behind the dropout as an ``.npz`` file.

    Parameters
    ----------
    identities : float32 array of shape (classes, 512), unit rows; the centres of the training
        identities. None: they are not shipped, and the model knows no class probabilities
    logit_scale : class logits are this times the cosine with a centre
    """
    head = network.head
    arrays = {
        "feature_weight": head.feature.weight,
        "feature_bias": head.feature.bias,
        "logvar_weight": head.logvar.weight,
        "logvar_bias": head.logvar.bias,
    }
    values: dict[str, Any] = {k: v.detach().float().cpu().numpy() for k, v in arrays.items()}
    values["dropout"] = np.float32(network.config.dropout)
    if identities is not None:
        values["identity_weight"] = identities.astype(np.float32)
        values["logit_scale"] = np.float32(logit_scale)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, **values)
    return path


def load_network(checkpoint: Path) -> StudentNetwork:
    """Rebuild the averaged network of a checkpoint."""
    state = load_checkpoint(checkpoint)
    network = StudentNetwork(NetworkConfig(**state["config"]))
    network.load_state_dict(state["average"])
    return network.eval()
