"""The exported Paddle program gives the numbers of the PyTorch network."""

from pathlib import Path

import numpy as np
import torch

from ood_face.embedding.rts import FEATURE_OUTPUT, LOGVAR_OUTPUT
from ood_face.runtime import open_session
from ood_face.training.export import export_network, fold
from ood_face.training.network import StudentNetwork, conv_bn


def test_program_equals_network(small_network: StudentNetwork, tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        feature, logvar = small_network(torch.from_numpy(images))
    program, params = export_network(small_network, tmp_path / "backbone")
    outputs = open_session(program, params, workers=1, threads=1).run({"image": images})
    assert np.abs(outputs[FEATURE_OUTPUT] - feature.numpy()).max() < 1e-4
    assert np.abs(outputs[LOGVAR_OUTPUT] - logvar.numpy()).max() < 1e-4
    assert np.abs(feature.numpy()).max() > 0.1  # the comparison is not of zeros


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


def test_dropout_is_left_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = StudentNetwork()
    network.head.dropout.p = 0.5
    network.train()
    images = np.zeros((1, 3, 112, 112), np.float32)
    session = open_session(*export_network(network, tmp_path / "n"), workers=1, threads=1)
    first, second = (session.run({"image": images})[FEATURE_OUTPUT] for _ in range(2))
    assert np.array_equal(first, second)


def test_conv_bn_keeps_the_size() -> None:
    assert conv_bn(3, 5, 3, 2)(torch.zeros(2, 3, 112, 112)).shape == (2, 5, 56, 56)
