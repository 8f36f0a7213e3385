"""Losses: hints by normalised error, and Random Temperature Scaling."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)
from torch import Tensor

__all__ = ["RtsTerms", "normalised_mse", "random_temperature", "rts_loss"]


class RtsTerms(NamedTuple):
    """The RTS loss and its two parts."""

    total: Tensor
    cross_entropy: Tensor
    kl: Tensor


def normalised_mse(value: Tensor, target: Tensor) -> Tensor:
    """Mean squared error as a share of the target's power: 1 is 'knows nothing'."""
    return (value.float() - target).square().mean() / target.square().mean()


def random_temperature(logvar: Tensor, noise: Tensor | None = None) -> Tensor:
    """Draw one softmax temperature per picture.

    Parameters
    ----------
    logvar : array of shape (N, dof), dof > 2
    noise : standard normal draws of the same shape; None draws them

    Returns
    -------
    array of shape (N,): ``sum(exp(logvar) * noise**2) / (dof - 2)``

    References
    ----------
    Shang et al., Improving Training and Inference of Face Recognition Models via
    Random Temperature Scaling, arXiv 2212.01015.
    """
    if noise is None:
        noise = torch.randn_like(logvar)
    return (logvar.exp() * noise.square()).sum(1) / (logvar.shape[1] - 2)


def rts_loss(
    logits: Tensor, labels: Tensor, logvar: Tensor, temperature: Tensor, kl_scale: float
) -> RtsTerms:
    """Cross-entropy under a random temperature, with the variance held near one.

    Parameters
    ----------
    logits : (N, classes)
    labels : (N,) class indices
    logvar : (N, dof)
    temperature : (N,), from ``random_temperature``
    kl_scale : weight of ``mean(0.5 * (v - log v - 1))``
    """
    cross_entropy = F.cross_entropy(logits / temperature[:, None].clamp_min(1e-3), labels)
    kl = 0.5 * (logvar.exp() - logvar - 1).mean()
    return RtsTerms(cross_entropy + kl_scale * kl, cross_entropy, kl)
