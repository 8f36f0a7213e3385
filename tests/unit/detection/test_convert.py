"""The conversion against the same networks written down in PyTorch, on random weights."""

from __future__ import annotations

import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch.nn import functional

from ood_face.artifacts import Manifest, verified_path, verify
from ood_face.detection.convert import convert, main
from ood_face.errors import ArtifactError
from ood_face.runtime import open_session

SHAPES = {
    "pnet": {
        "conv1": (10, 3, 3, 3),
        "conv2": (16, 10, 3, 3),
        "conv3": (32, 16, 3, 3),
        "conv4_1": (2, 32, 1, 1),
        "conv4_2": (4, 32, 1, 1),
    },
    "rnet": {
        "conv1": (28, 3, 3, 3),
        "conv2": (48, 28, 3, 3),
        "conv3": (64, 48, 2, 2),
        "dense4": (128, 576),
        "dense5_1": (2, 128),
        "dense5_2": (4, 128),
    },
    "onet": {
        "conv1": (32, 3, 3, 3),
        "conv2": (64, 32, 3, 3),
        "conv3": (64, 64, 3, 3),
        "conv4": (128, 64, 2, 2),
        "dense5": (256, 1152),
        "dense6_1": (2, 256),
        "dense6_2": (4, 256),
        "dense6_3": (10, 256),
    },
}
# after which layer a pooling of which side follows
POOLS = {"pnet": {"conv1": 2}, "rnet": {"conv1": 3, "conv2": 3}}
POOLS["onet"] = {**POOLS["rnet"], "conv3": 2}


def random_state(name, generator):
    state = OrderedDict()
    for layer, shape in SHAPES[name].items():
        fan_in = int(np.prod(shape[1:]))
        state[f"{layer}.weight"] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        state[f"{layer}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
        if "_" not in layer:
            slope = torch.randn(shape[0], generator=generator) * 0.3
            state[f"prelu{layer[-1]}.weight"] = slope
    return state


def reference(name, state, pixels):
    """Return probability of a face, then the other heads, as facenet-pytorch computes them."""
    x, heads = (pixels - 127.5) * 0.0078125, []
    for layer in SHAPES[name]:
        weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
        if layer.startswith("dense") and x.ndim == 4:
            x = x.permute(0, 3, 2, 1).reshape(len(x), -1)
        y = functional.conv2d(x, weight, bias) if weight.ndim == 4 else x @ weight.T + bias
        if "_" in layer:
            heads.append(y.softmax(dim=1)[:, 1:] if layer.endswith("_1") else y)
            continue
        x = functional.prelu(y, state[f"prelu{layer[-1]}.weight"])
        if layer in POOLS[name]:
            x = functional.max_pool2d(x, POOLS[name][layer], 2, ceil_mode=True)
    return torch.cat(heads, dim=1).numpy()


@pytest.fixture(scope="module")
def states():
    generator = torch.Generator().manual_seed(5)
    return {name: random_state(name, generator) for name in SHAPES}


@pytest.fixture(scope="module")
def wheel(states, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    path = folder / "facenet.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, state in states.items():
            torch.save(state, folder / name, _use_new_zipfile_serialization=False)
            archive.write(folder / name, f"facenet_pytorch/data/{name}.pt")
    return path


@pytest.fixture(scope="module")
def weights(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    convert(wheel, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "size"), [("pnet", (1, 37, 52)), ("rnet", (5, 24, 24)), ("onet", (3, 48, 48))]
)
def test_a_converted_network_says_the_same(states, weights, name, size):
    count, height, width = size
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (count, 3, height, width)).astype(np.float32)
    entry = Manifest.load(weights).model("mtcnn")
    session = open_session(
        verified_path(entry, f"mtcnn/{name}.json"),
        verified_path(entry, f"mtcnn/{name}.pdiparams"),
        workers=1,
        threads=1,
    )
    (answer,) = session.run({"image": pixels}).values()
    answer[:, 0] = 1 / (1 + np.exp(-answer[:, 0]))
    expected = reference(name, states[name], torch.from_numpy(pixels))
    assert answer.shape == expected.shape
    assert np.abs(answer - expected).max() < 1e-3


def test_the_manifest_says_where_the_weights_come_from(weights):
    entry = Manifest.load(weights).model("mtcnn")
    verify(entry)
    assert (entry.kind, entry.license, len(entry.files)) == ("detector", "MIT", 6)
    assert "facenet-pytorch 2.6.0" in entry.source


def test_a_missing_tensor_is_named(states, tmp_path):
    for name, state in states.items():
        kept = {key: value for key, value in state.items() if key != "conv3.bias"}
        torch.save(kept, tmp_path / f"{name}.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ArtifactError, match=r"pnet of .* has no tensor 'conv3\.bias'"):
        convert(tmp_path, tmp_path / "out")


def test_what_is_no_wheel_is_said_in_one_line(tmp_path, capsys):
    (tmp_path / "text.whl").write_text("no zip")
    assert main([str(tmp_path / "text.whl"), str(tmp_path)]) == 1
    assert "text.whl is neither a folder" in capsys.readouterr().err
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
