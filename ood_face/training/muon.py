"""Muon: momentum whose matrix updates are orthogonalised before they are applied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Muon", "orthogonalise"]

# Quintic Newton-Schulz coefficients that lift every singular value close to one.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


@torch.no_grad()
def orthogonalise(matrix: Tensor) -> Tensor:
    """Return the matrix (rows, columns) with its singular values pushed towards one, in bf16."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.T if tall else x
    return result


class Muon(torch.optim.Optimizer):
    """Muon for convolutions, AdamW for everything else, in one optimiser.

    ``torch.optim.Muon`` takes matrices alone; a convolution's weight is one here, of shape
    (out, in * height * width). Updates are scaled to AdamW's typical size, so that one
    learning rate serves both.

    Parameters
    ----------
    groups : each with ``params``, ``muon`` (bool), ``weight_decay``, ``top_lr``
    lr : the default learning rate

    References
    ----------
    Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; the scale
    is that of Liu et al., Muon is Scalable for LLM Training, arXiv 2502.16982.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        defaults = {"lr": lr, "weight_decay": 0.0, "muon": False, "top_lr": 1.0}
        super().__init__(groups, defaults | {"momentum": 0.95, "betas": (0.9, 0.98), "eps": 1e-8})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ANN401
        """Apply one update; a closure is not supported."""
        if closure is not None:
            message = "Muon takes no closure"
            raise ValueError(message)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                update = self._matrix if group["muon"] else self._adam
                update(parameter, parameter.grad, self.state[parameter], group)

    @staticmethod
    def _matrix(
        parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"]
        momentum.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(momentum, group["momentum"])
        flat = orthogonalise(ahead.flatten(1))
        scale = 0.2 * max(flat.shape) ** 0.5
        parameter.add_(flat.view_as(ahead).to(parameter.dtype), alpha=-group["lr"] * scale)

    @staticmethod
    def _adam(
        parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        state["mean"].lerp_(gradient, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        mean = state["mean"] / (1 - beta1 ** state["step"])
        root = (state["square"] / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        parameter.addcdiv_(mean, root, value=-group["lr"])


def muon_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split a network: weights of convolutions and linear layers to Muon, the rest not.

    The stem (three input channels) and matrices of fewer than 48 rows stay with AdamW.
    """
    matrices = [
        p for p in network.parameters() if p.ndim >= 2 and p.shape[0] >= 48 and p.shape[1] > 3
    ]
    known = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in known]
    return [
        {"params": matrices, "muon": True, "weight_decay": weight_decay},
        {"params": others, "muon": False, "weight_decay": 0.0},
    ]
