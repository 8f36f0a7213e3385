"""The exported trunk and head give the numbers of the PyTorch network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ood_face.embedding.head import load_head
from ood_face.runtime import open_session
from ood_face.training.export import export_head, export_network, fold
from ood_face.training.network import StudentNetwork, conv_bn


def test_program_and_head_equal_the_network(small_network: StudentNetwork, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        feature, logvar = small_network(torch.from_numpy(images))
    program, params = export_network(small_network, tmp_path / "backbone")
    head = load_head(export_head(small_network, tmp_path / "head.npz"))
    (flat,) = open_session(program, params, workers=1, threads=1).run({"image": images}).values()
    got, variance = head(flat)
    assert np.abs(got - feature.numpy()).max() < 1e-4
    assert np.abs(variance - logvar.exp().mean(1).numpy()).max() < 1e-4
    assert np.abs(feature.numpy()).max() > 0.1  # the comparison is not of zeros
    assert head.identities is None


def test_head_carries_the_identities(small_network: StudentNetwork, tmp_path: Path) -> None:
    centres = np.eye(7, 512, dtype=np.float32)
    head = load_head(export_head(small_network, tmp_path / "head.npz", centres, 24.0))
    assert head.identities is not None
    assert np.array_equal(head.identities.centres, centres)
    assert head.identities.logit_scale == 24.0


def test_folding_keeps_the_convolution(small_network: StudentNetwork) -> None:
    pair = small_network.stage2[0].first
    weight, bias = fold(pair)
    x = torch.randn(2, 8, 14, 14)
    with torch.no_grad():
        expected = pair(x)
        got = torch.nn.functional.conv2d(
            x, torch.from_numpy(weight), torch.from_numpy(bias), padding=1
        )
    assert torch.allclose(expected, got, atol=1e-4)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_dropout_is_left_out_of_the_program_and_named_in_the_head(
    rate: float, small_network: StudentNetwork, tmp_path: Path
) -> None:
    shape = small_network.config
    network = StudentNetwork(replace(shape, dropout=rate))
    network.load_state_dict(small_network.state_dict())
    network.train()
    images = np.zeros((1, 3, 112, 112), np.float32)
    session = open_session(*export_network(network, tmp_path / "n"), workers=1, threads=1)
    (first,), (second,) = (session.run({"image": images}).values() for _ in range(2))
    assert np.array_equal(first, second)
    assert load_head(export_head(network, tmp_path / "head.npz")).dropout == rate


def test_conv_bn_keeps_the_size() -> None:
    assert conv_bn(3, 5, 3, 2)(torch.zeros(2, 3, 112, 112)).shape == (2, 5, 56, 56)
