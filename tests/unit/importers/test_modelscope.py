from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ood_face.artifacts import Manifest, verify
from ood_face.embedding import open_embedder
from ood_face.errors import ArtifactError
from ood_face.imaging.preprocess import preprocess
from ood_face.importers import import_modelscope
from ood_face.importers.irse import IR_SE_64, LOGVAR_LAYERS, check_state
from ood_face.types import QualityScore
from tests.fakes.twin import SMALL, random_twin


@pytest.fixture(scope="module")
def twin():
    return random_twin(SMALL)


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)


@pytest.fixture
def file(twin, tmp_path):
    path = tmp_path / "download" / "pytorch_model.bin"
    path.parent.mkdir()
    torch.save(twin.state_dict(), path)
    return path


@pytest.fixture
def weights(tmp_path):
    return tmp_path / "weights"


def saved(state, path):
    torch.save(state, path)
    return path


def left_over(weights):
    return sorted(path.name for path in weights.iterdir()) if weights.exists() else []


@pytest.mark.parametrize("plus", [False, True])
def test_an_imported_network_is_its_twin(file, weights, twin, crops, plus):
    imported = import_modelscope(file, weights, "it", plus, SMALL)
    embedder = open_embedder(Manifest.load(weights), "it", precision="float32")
    features, variances = embedder.measure(crops)
    with torch.no_grad():
        expected, logvar = twin(torch.from_numpy(preprocess(crops)), plus)
    assert np.abs(features - expected.numpy()).max() < 1e-4
    wanted = logvar.exp().mean(dim=1).numpy()
    assert np.abs(variances / wanted - 1).max() < 1e-4
    assert imported.details["variances"] == (5 if plus else 1)
    assert imported.quality_score is embedder.quality_score is QualityScore.UNCALIBRATED
    scores = embedder.embed(crops).ood_scores
    assert np.array_equal(np.argsort(scores), np.argsort(-variances))
    np.testing.assert_allclose(scores, 1 / (1 + variances), atol=0.01)


def test_the_number_format_of_the_machine_changes_little(file, weights, crops):
    name = import_modelscope(file, weights, architecture=SMALL).name
    exact, own = (
        open_embedder(Manifest.load(weights), name, precision=precision).embed(crops)
        for precision in ("float32", "auto")
    )
    assert np.min(np.sum(exact.features * own.features, axis=1)) > 0.9999
    np.testing.assert_allclose(exact.ood_scores, own.ood_scores, atol=0.02)


def test_the_folder_is_whole_and_the_default_untouched(file, weights):
    imported = import_modelscope(file, weights, architecture=SMALL)
    assert imported.name == "damo-small-rts"
    assert left_over(weights) == ["damo-small-rts", "manifest.toml"]
    manifest = Manifest.load(weights)
    entry = manifest.model("damo-small-rts")
    verify(entry)
    assert len(entry.files) == 4
    assert manifest.default_model is None
    assert entry.version in entry.source
    assert 'version = "uncalibrated"' in (imported.folder / "calibration.toml").read_text("utf-8")
    with pytest.raises(ArtifactError, match=r"already; choose another name"):
        import_modelscope(file, weights, architecture=SMALL)


@pytest.mark.parametrize(
    ("configuration", "variances"),
    [
        (None, 1),
        ({"model": {"rts_plus": True, "alpha": 5}}, 5),
        ({"model": {"rts_plus": False}}, 1),
        ({"model": {}}, 1),
        ([], 1),
    ],
)
def test_the_configuration_beside_the_file_chooses_the_form(
    file, weights, configuration, variances
):
    if configuration is not None:
        file.with_name("configuration.json").write_text(json.dumps(configuration), "utf-8")
    imported = import_modelscope(file, weights, architecture=SMALL)
    assert imported.details["variances"] == variances
    assert imported.name.endswith("-plus") == (variances == 5)


def test_a_broken_configuration_is_told(file, weights):
    file.with_name("configuration.json").write_text("{", "utf-8")
    with pytest.raises(ArtifactError, match=r"choose it with --plus"):
        import_modelscope(file, weights, architecture=SMALL)
    import_modelscope(file, weights, plus=False, architecture=SMALL)


@pytest.mark.parametrize("plus", [False, True])
def test_a_file_with_one_form_alone(file, weights, twin, plus):
    other = LOGVAR_LAYERS[not plus]
    state = {key: t for key, t in twin.state_dict().items() if not key.startswith(other)}
    saved(state, file)
    imported = import_modelscope(file, weights, architecture=SMALL)
    assert imported.details["variances"] == (5 if plus else 1)
    with pytest.raises(ArtifactError, match=f"no tensors {other}"):
        import_modelscope(file, weights, "other", not plus, SMALL)


def without(name):
    return lambda state: state.pop(name)


def replaced(name, tensor):
    return lambda state: state.update({name: tensor})


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (without("features.1.1.res_layer.1.weight"), "import.missing_tensor", "features.1.1.res"),
        (without("features_backbone.1.running_var"), "import.missing_tensor", "running_var"),
        (
            replaced("features.1.6.res_layer.0.weight", torch.zeros(1)),
            "import.unexpected_tensor",
            "features.1.6.res_layer.0.weight",
        ),
        (
            replaced("features.1.2.shortcut_layer.0.weight", torch.zeros(24, 16, 3, 3)),
            "import.tensor_shape",
            "(24, 16, 3, 3), not (24, 16, 1, 1)",
        ),
        (
            replaced("features.2.0.weight", torch.full((40,), torch.nan)),
            "import.tensor_numbers",
            "features.2.0.weight",
        ),
        (
            replaced("features.2.0.running_var", torch.full((40,), -1.0)),
            "import.tensor_numbers",
            "features.2.0.running_var",
        ),
        (
            replaced("features.2.0.weight", torch.ones(40, dtype=torch.int64)),
            "import.tensor_numbers",
            "features.2.0.weight",
        ),
    ],
)
def test_another_architecture_is_refused_and_leaves_nothing(
    file, weights, twin, change, key, words
):
    state = dict(twin.state_dict())
    change(state)
    with pytest.raises(ArtifactError) as caught:
        import_modelscope(saved(state, file), weights, architecture=SMALL)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert left_over(weights) == []


def test_both_forms_missing_names_the_first_tensor(file, weights, twin):
    state = {k: t for k, t in twin.state_dict().items() if "logvar" not in k}
    with pytest.raises(ArtifactError, match=r"logvar_rts_backbone\.0\.weight is missing"):
        import_modelscope(saved(state, file), weights, architecture=SMALL)


def test_the_published_sizes_are_the_published_ones():
    shapes = IR_SE_64.shapes()
    for plus, count in ((False, 1), (True, 16)):
        shapes |= IR_SE_64.linear_shapes(LOGVAR_LAYERS[plus], count)
    trained = {k: s for k, s in shapes.items() if not k.endswith(("_mean", "_var"))}
    # 47.8 million trained numbers with both forms, 30 blocks, 512 x 7 x 7 activations
    assert round(sum(int(np.prod(shape)) for shape in trained.values()) / 1e6, 1) == 47.8
    assert len(list(IR_SE_64.blocks())) == 30
    assert IR_SE_64.flat_width == 25088


def test_a_network_of_another_library_is_refused():
    state = {"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)}
    with pytest.raises(ArtifactError, match=r"tensor features\.0\.0\.weight is missing"):
        check_state(state, IR_SE_64)


@pytest.mark.parametrize(
    "name", ["", "../evil", ".hidden", "a/b", "x" * 65, "a b", "manifest.toml"]
)
def test_a_name_that_is_no_name_is_refused(file, weights, name):
    weights.mkdir()
    (weights / "manifest.toml").write_text("", "utf-8")
    with pytest.raises(ArtifactError, match=r"no name for a model|choose another name"):
        import_modelscope(file, weights, name, architecture=SMALL)
    assert left_over(weights) == ["manifest.toml"]


def test_a_file_where_the_folder_should_be(file, tmp_path):
    (tmp_path / "weights").write_text("a file", "utf-8")
    with pytest.raises(ArtifactError, match=r"cannot be (written|read)"):
        import_modelscope(file, tmp_path / "weights", architecture=SMALL)
