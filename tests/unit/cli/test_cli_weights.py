from __future__ import annotations

import json

import pytest
import torch

from ood_face.importers.irse import IR_SE_64
from tests.fakes.onnx_network import onnx_network


@pytest.fixture
def weights(run, monkeypatch):
    folder = run.folder / "weights"
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(folder))
    return folder


@pytest.fixture
def network(run):
    path = run.folder / "net.onnx"
    path.write_bytes(onnx_network("N"))
    return str(path)


def test_an_onnx_network_is_imported_and_said_to_have_no_score(run, weights, network):
    result = run("weights", "import", "onnx", network, "--name", "mine")
    assert result.exit_code == 0, result.stderr
    assert "Imported mine@" in result.stdout
    assert "This model gives no quality score" in result.stdout
    assert "OOD_FACE_MODEL=mine" in result.stdout
    assert (weights / "mine" / "network.onnx").is_file()
    assert run("weights", "verify").exit_code == 0
    result = run("weights", "import", "onnx", network, "--name", "mine", "--lang", "zh")
    assert (result.exit_code, "已有名为 mine" in result.stderr) == (8, True)


def test_an_import_as_json(run, weights, network):
    body = json.loads(run("weights", "import", "onnx", network, "--json").stdout)
    assert (body["model"], body["quality_score"], body["engine"]) == ("net", "none", "onnx")
    assert body["model_id"].startswith("net@")
    assert body["note"] == "This model gives no quality score"
    assert body["folder"] == str(weights / "net")


@pytest.mark.parametrize("command", ["onnx", "modelscope"])
def test_a_file_that_is_no_network(run, weights, command):
    (run.folder / "text").write_text("hello", "utf-8")
    for file in ("text", "gone"):
        result = run("weights", "import", command, file)
        assert (result.exit_code, result.stdout) == (8, "")
        assert result.stderr.startswith(f"ood-face: {file} ")
        assert len(result.stderr.splitlines()) == 1
    assert not weights.exists() or list(weights.iterdir()) == []


def test_another_network_of_pytorch_is_refused_by_its_first_tensor(run, weights):
    shapes = IR_SE_64.shapes()
    first = next(iter(shapes))
    torch.save({first: torch.zeros(64, 3, 7, 7)}, run.folder / "resnet.bin")
    result = run("weights", "import", "modelscope", "resnet.bin", "--plus", "--json")
    error = json.loads(result.stderr)["error"]
    assert (error["code"], error["exit_code"]) == ("import.tensor_shape", 8)
    assert "(64, 3, 7, 7), not (64, 3, 3, 3)" in error["detail"]
    assert not weights.exists()
