"""DAMO's network once more, in PyTorch and at any size: what an import is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ood_face.importers.irse import Architecture

if TYPE_CHECKING:
    from ood_face.importers.irse import Block

# every kind of block: a first stage that keeps the stem's width, one that does not, long and short
SMALL = Architecture("small", 16, ((16, 2), (24, 1), (32, 2), (40, 1)), reduction=8)


class Gate(nn.Module):
    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, squeezed, 1, bias=False)
        self.fc2 = nn.Conv2d(squeezed, width, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(mean))))


class Residual(nn.Module):
    def __init__(self, block: Block, reduction: int) -> None:
        super().__init__()
        width_in, width, stride = block.width_in, block.width, block.stride
        if width_in == width:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(width_in),
            nn.Conv2d(width_in, width, 3, 1, 1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            Gate(width, width // reduction),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class Twin(nn.Module):
    """The published class: both log-variance layers, of which ``plus`` chooses one."""

    def __init__(self, architecture: Architecture, alpha: int = 5) -> None:
        super().__init__()
        stem, flat = architecture.stem, architecture.flat_width
        self.features = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem)
            ),
            nn.Sequential(*[Residual(b, architecture.reduction) for b in architecture.blocks()]),
            nn.Sequential(nn.BatchNorm2d(architecture.stages[-1][0]), nn.Dropout(), nn.Flatten()),
        )
        self.features_backbone = nn.Sequential(nn.Linear(flat, 512), nn.BatchNorm1d(512))
        self.logvar_rts_backbone = nn.Sequential(nn.Linear(flat, 1), nn.BatchNorm1d(1))
        self.logvar_rts_plus_backbone = nn.Sequential(nn.Linear(flat, alpha), nn.BatchNorm1d(alpha))

    def forward(self, image: torch.Tensor, plus: bool) -> tuple[torch.Tensor, torch.Tensor]:
        flat = self.features(image)
        head = self.logvar_rts_plus_backbone if plus else self.logvar_rts_backbone
        return self.features_backbone(flat), head(flat)


def random_twin(architecture: Architecture, alpha: int = 5) -> Twin:
    """Return a twin whose weights and BatchNorm statistics are random, ready to be run."""
    torch.manual_seed(0)
    twin = Twin(architecture, alpha)
    with torch.no_grad():
        for module in twin.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.weight.uniform_(0.6, 1.4)
                module.bias.normal_(0, 0.2)
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.6, 1.4)
            if isinstance(module, nn.PReLU):
                module.weight.uniform_(-0.2, 0.5)
    return twin.eval()
