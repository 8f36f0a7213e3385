"""The student network in PyTorch: dense residual stages, a 512-d head and the RTS branch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

__all__ = [
    "NetworkConfig",
    "ResidualBlock",
    "StudentNetwork",
    "compile_stages",
    "count_macs",
    "to_channels_last",
]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Widths and depths; the defaults give 4.6 M parameters and 0.91 GMAC at 112x112.

    The stage widths equal those of the MobileFaceNet teacher, so that every
    stage can be trained against the teacher's own activations.
    """

    stem: int = 64
    widths: tuple[int, int, int] = (128, 256, 256)
    middles: tuple[int, int, int] = (64, 128, 128)
    depths: tuple[int, int, int] = (3, 3, 2)
    head_channels: int = 48
    feature_dim: int = 512
    dof: int = 16
    dropout: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """Return the configuration as plain values, for checkpoints and manifests."""
        return asdict(self)


def conv_bn(channels_in: int, channels_out: int, kernel: int, stride: int) -> nn.Sequential:
    """Return a bias-free convolution with its BatchNorm, foldable into one convolution."""
    conv = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out))


class ResidualBlock(nn.Module):
    """``x + bn(conv(act(bn(conv(x)))))`` with a linear residual stream, as MobileFaceNet has it."""

    def __init__(self, channels_in: int, middle: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn(channels_in, middle, 3, 1)
        self.act = nn.ReLU()
        self.second = conv_bn(middle, channels_out, 3, stride)
        same = channels_in == channels_out and stride == 1
        self.shortcut = nn.Identity() if same else conv_bn(channels_in, channels_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, channels_out, H / stride, W / stride)."""
        residual: Tensor = self.second(self.act(self.first(x)))
        total: Tensor = residual + self.shortcut(x)
        return total


class Head(nn.Module):
    """Two parallel linear layers on the flattened map: the feature and the RTS log-variance."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.reduce = conv_bn(config.widths[2], config.head_channels, 1, 1)
        self.act = nn.ReLU()
        self.dropout = nn.Dropout(config.dropout)
        flat = config.head_channels * 7 * 7
        self.feature = nn.Linear(flat, config.feature_dim)
        self.logvar = nn.Linear(flat, config.dof)
        nn.init.zeros_(self.logvar.weight)
        nn.init.zeros_(self.logvar.bias)

    def flat(self, x: Tensor) -> Tensor:
        """Return what the two layers read, before the dropout: (N, D)."""
        flat: Tensor = self.act(self.reduce(x)).flatten(1)
        return flat

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the un-normalised feature (N, 512) and the log-variance (N, dof)."""
        flat = self.dropout(self.flat(x))
        return self.feature(flat), self.logvar(flat)


class StudentNetwork(nn.Module):
    """112x112 RGB in ``(x - 127.5) / 127.5``; 512-d feature and RTS log-variance out."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = NetworkConfig() if config is None else config
        stages: list[nn.Module] = []
        channels = self.config.stem
        for width, middle, depth in zip(
            self.config.widths, self.config.middles, self.config.depths, strict=True
        ):
            blocks: list[nn.Module] = [ResidualBlock(channels, middle, width, 2)]
            blocks += [ResidualBlock(width, middle, width, 1) for _ in range(depth - 1)]
            stages.append(nn.Sequential(*blocks))
            channels = width
        stem = nn.Sequential(conv_bn(3, self.config.stem, 3, 2), nn.ReLU())
        self.stage1 = nn.Sequential(stem, stages[0])
        self.stage2 = stages[1]
        self.stage3 = stages[2]
        self.head = Head(self.config)

    def trunk(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three stage outputs: (N,128,28,28), (N,256,14,14), (N,256,7,7)."""
        hint1 = self.stage1(x)
        hint2 = self.stage2(hint1)
        return hint1, hint2, self.stage3(hint2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the un-normalised feature (N, 512) and the log-variance (N, dof)."""
        feature, logvar = self.head(self.trunk(x)[2])
        return feature, logvar

    def flat(self, x: Tensor) -> Tensor:
        """Return what the head's two layers read of pictures (N, 3, 112, 112): (N, D)."""
        flat: Tensor = self.head.flat(self.trunk(x)[2])
        return flat

    def stagewise(
        self, x: Tensor, hints: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Run every stage on the teacher's input to it, so that all train at once, apart."""
        return (
            self.stage1(x),
            self.stage2(hints[0]),
            self.stage3(hints[1]),
            self.head(hints[2])[0],
        )


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@torch.no_grad()
def count_macs(network: StudentNetwork) -> int:
    """Return the multiply-accumulate operations of convolutions and linear layers for one face."""
    total = 0

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        if isinstance(weight, Tensor):
            positions = output[0, 0].numel() if output.ndim == 4 else 1
            total += weight.numel() * positions

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    network(torch.zeros(1, 3, 112, 112, device=next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return total


def compile_stages(network: StudentNetwork) -> None:
    """Compile in place and stage by stage: the state keeps its plain names."""
    for stage in (network.stage1, network.stage2, network.stage3, network.head):
        stage.compile()


def to_channels_last(network: StudentNetwork) -> None:
    """Lay the weights out as oneDNN and cuDNN run convolutions fastest, in place."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stubs miss it


def to_input(crops: Tensor) -> Tensor:
    """Scale uint8 (N, 112, 112, 3) RGB to float32 (N, 3, 112, 112), channels last."""
    scaled = (crops.to(torch.float32) - 127.5) / 127.5
    return scaled.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
