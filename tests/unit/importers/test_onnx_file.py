from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from ood_face.artifacts import Manifest, verify
from ood_face.embedding import open_embedder
from ood_face.errors import ArtifactError
from ood_face.imaging.preprocess import preprocess
from ood_face.importers import import_onnx, onnx_file
from ood_face.types import QualityScore
from tests.fakes.onnx_network import WEIGHT, onnx_network


@pytest.fixture
def weights(tmp_path):
    return tmp_path / "weights"


@pytest.fixture
def write(tmp_path):
    def to(content, name="My Net (v2).onnx"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 256, (19, 112, 112, 3), np.uint8)


def expected(crops):
    pooled = preprocess(crops).reshape(len(crops), 3, 4, 28, 4, 28).mean(axis=(3, 5))
    features = pooled.reshape(len(crops), 48) @ WEIGHT
    return features / np.linalg.norm(features, axis=1, keepdims=True)


@pytest.mark.parametrize("count", ["N", 1, 4])
def test_any_batch_size_is_served(write, weights, crops, count):
    imported = import_onnx(write(onnx_network(count)), weights)
    assert (imported.name, imported.quality_score) == ("my-net-v2", QualityScore.NONE)
    assert sorted(path.name for path in weights.iterdir()) == ["manifest.toml", "my-net-v2"]
    manifest = Manifest.load(weights)
    verify(manifest.model("my-net-v2"))
    embedder = open_embedder(manifest, "my-net-v2")
    assert embedder.model_id == imported.model_id
    found = embedder.embed(crops)
    np.testing.assert_allclose(found.features, expected(crops), atol=1e-5)
    assert found.ood_scores is None
    assert found.variances is None


def test_two_files_under_one_name_are_two_models(write, weights, tmp_path):
    first = import_onnx(write(onnx_network("N")), weights, "x")
    second = import_onnx(write(onnx_network(1), "b.onnx"), tmp_path / "other", "x")
    assert first.model_id != second.model_id
    assert first.model_id.startswith("x@")


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"shape": (3, 224, 224)}, "embedding.plain_input", "(-1, 3, 224, 224)"),
        ({"shape": (112, 112, 3)}, "embedding.plain_input", "(-1, 112, 112, 3)"),
        ({"shape": (3, 112)}, "embedding.plain_input", "(-1, 3, 112)"),
        ({"dtype": TensorProto.FLOAT16}, "embedding.plain_input", "float16"),
        ({"inputs": 2}, "embedding.plain_input", "more"),
        ({"dim": 128}, "embedding.plain_output", "feature (1, 128)"),
        ({"outputs": 2}, "embedding.plain_output", "(1, 512)"),
    ],
    ids=str,
)
def test_another_shape_is_refused_and_leaves_nothing(write, weights, changes, key, words):
    with pytest.raises(ArtifactError) as caught:
        import_onnx(write(onnx_network("N", **changes)), weights)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert list(weights.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no network", onnx_network("N")[:3000]])
def test_a_file_that_is_no_network_is_named(write, weights, content):
    with pytest.raises(ArtifactError, match=r"My Net \(v2\)\.onnx is no network") as caught:
        import_onnx(write(content), weights)
    assert ".import-" not in str(caught.value)
    assert list(weights.iterdir()) == []


def test_weights_outside_the_file_are_not_followed(write, weights, tmp_path):
    model = onnx.load_from_string(onnx_network("N"))
    (tmp_path / "secret.bin").write_bytes(WEIGHT.tobytes())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../secret.bin"), ("length", str(WEIGHT.nbytes))):
        tensor.external_data.append(onnx.StringStringEntryProto(key=key, value=value))
    with pytest.raises(ArtifactError, match="is no network"):
        import_onnx(write(model.SerializeToString()), weights)


def test_missing_and_too_large_files(write, weights, tmp_path, monkeypatch):
    for path in (tmp_path / "gone.onnx", tmp_path):
        with pytest.raises(ArtifactError, match="cannot be read"):
            import_onnx(path, weights)
    monkeypatch.setattr(onnx_file, "MAX_FILE_BYTES", 100)
    with pytest.raises(ArtifactError, match="the limit is 100"):
        import_onnx(write(onnx_network("N")), weights)
    assert not weights.exists()


def test_numbers_that_are_not_finite_are_refused(write, weights):
    with pytest.raises(ArtifactError, match="not finite"):
        import_onnx(write(onnx_network("N", weight=np.full_like(WEIGHT, np.nan))), weights)
    with pytest.raises(ArtifactError, match="not finite"):
        import_onnx(write(onnx_network(1, weight=np.zeros_like(WEIGHT))), weights)


def test_a_network_that_mixes_its_pictures_gets_them_one_by_one(write, weights, crops):
    imported = import_onnx(write(onnx_network("N", mix=True)), weights)
    embedder = open_embedder(Manifest.load(weights), imported.name)
    alone = np.concatenate([embedder.embed(crops[i : i + 1]).features for i in range(3)])
    np.testing.assert_array_equal(embedder.embed(crops[:3]).features, alone)
