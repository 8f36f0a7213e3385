"""Muon orthogonalises matrices and leaves the rest to AdamW."""

import pytest
import torch

from ood_face.training.muon import Muon, muon_groups, orthogonalise
from ood_face.training.network import StudentNetwork


@pytest.mark.parametrize("shape", [(64, 64), (48, 300), (300, 48)])
def test_singular_values_come_close_to_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    spectrum = torch.logspace(0, -1, min(shape))  # the largest is ten times the smallest
    values = torch.linalg.svdvals(orthogonalise(u @ torch.diag(spectrum) @ v).float())
    assert values.max() < 1.4
    assert values.min() > 0.5


def test_every_parameter_is_in_one_group() -> None:
    network = StudentNetwork()
    matrices, others = muon_groups(network, 0.1)
    ids = [id(p) for group in (matrices, others) for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in network.parameters())
    assert any(p is network.head.feature.weight for p in matrices["params"])
    assert any(p is network.head.logvar.weight for p in others["params"])
    assert others["weight_decay"] == 0


def test_it_minimises() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 64)
    inputs = torch.randn(256, 64)
    target = inputs @ torch.randn(64, 64) / 8 + 1
    optimiser = Muon(muon_groups(layer, 0.0), lr=2e-2)

    def loss() -> torch.Tensor:
        return (layer(inputs) - target).square().mean()

    first = float(loss().detach())
    for _ in range(150):
        loss().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        optimiser.zero_grad()
    assert float(loss().detach()) < 0.05 * first


def test_a_closure_is_refused() -> None:
    layer = torch.nn.Linear(64, 64)
    with pytest.raises(ValueError, match="closure"):
        Muon(muon_groups(layer, 0.0), lr=1e-3).step(lambda: 0.0)
