"""The head: its file, its refusals, and its class probabilities."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.embedding.head import Identities, load_head
from ood_face.errors import ArtifactError
from tests.fakes.heads import head_arrays, random_head


def write(path: Path, arrays: dict[str, NDArray[np.float32]]) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("classes", [None, 5])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, classes: int | None) -> None:
    head = load_head(write(tmp_path / "head.npz", head_arrays(dropout=0.25, classes=classes)))
    expected = random_head(dropout=0.25, classes=classes)
    np.testing.assert_array_equal(head.weight, expected.weight)
    np.testing.assert_array_equal(head.bias, expected.bias)
    assert (head.dropout, head.width) == (0.25, 48)
    assert (head.identities is None) == (classes is None)


def test_it_computes_what_the_file_says() -> None:
    arrays = head_arrays()
    flat = np.random.default_rng(0).normal(size=(3, 48)).astype(np.float32)
    features, variances = random_head()(flat)
    logvar = flat @ arrays["logvar_weight"].T + arrays["logvar_bias"]
    expected = flat @ arrays["feature_weight"].T + arrays["feature_bias"]
    np.testing.assert_allclose(features, expected, atol=1e-5)
    np.testing.assert_allclose(variances, np.exp(logvar).mean(axis=1), rtol=1e-5)


def changed(name: str, value: NDArray[np.generic] | None) -> dict[str, NDArray[np.float32]]:
    arrays = {**head_arrays(classes=5), name: value}
    return {key: array for key, array in arrays.items() if array is not None}


F32 = np.float32
WRONG = [
    ("feature_weight", None, "has no feature_weight"),
    ("feature_weight", np.zeros((128, 48), F32), r"feature_weight has the shape \(128, 48\)"),
    ("feature_weight", F32(1), r"feature_weight has the shape \(\)"),
    ("feature_bias", np.zeros(511, F32), r"feature_bias has the shape \(511,\), not \(512,\)"),
    ("feature_bias", np.full(512, np.nan, F32), "feature_bias must hold finite"),
    ("feature_bias", np.zeros(512), "feature_bias must hold finite float32"),
    ("logvar_weight", np.zeros((16, 40), F32), "logvar_weight has the shape"),
    ("logvar_bias", np.zeros(0, F32), "logvar_"),
    ("dropout", None, "has no dropout"),
    ("dropout", F32(1), "0 <= rate < 1"),
    ("dropout", F32(-0.1), "0 <= rate < 1"),
    ("dropout", np.zeros(2, F32), "dropout has the shape"),
    ("logit_scale", None, "has no logit_scale"),
    ("logit_scale", F32(0), "logit_scale above 0"),
    ("identity_weight", None, "has no identity_weight"),
    ("identity_weight", np.ones((5, 512), F32), "unit rows"),
    ("identity_weight", np.eye(1, 512, dtype=F32), "two or more"),
    ("identity_weight", np.eye(5, 100, dtype=F32), "identity_weight has the shape"),
    ("identity_weight", np.zeros((0, 512), F32), "identity_weight has the shape"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_array_is_named(
    tmp_path: Path, name: str, value: NDArray[np.generic] | None, said: str
) -> None:
    path = write(tmp_path / "head.npz", changed(name, value))
    with pytest.raises(ArtifactError, match=said) as caught:
        load_head(path)
    assert str(path) in str(caught.value)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    whole = write(path, head_arrays()).read_bytes()
    middle = len(whole) // 2
    for data in (
        b"",
        b"no archive",
        whole[:middle],
        whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        b"\x80\x04N.",  # a pickle
    ):
        path.write_bytes(data)
        with pytest.raises(ArtifactError, match="no valid head"):
            load_head(path)
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(ArtifactError, match="not an archive"):
        load_head(path)
    with pytest.raises(ArtifactError, match="No such file"):
        load_head(tmp_path / "none.npz")


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "head.npz", changed("feature_bias", np.array([{}] * 512)))
    with pytest.raises(ArtifactError, match="pickle"):
        load_head(path)


def test_doubts_of_a_clear_a_torn_and_a_lost_face() -> None:
    identities = Identities(np.eye(4, 512, dtype=np.float32), 64.0)
    clear, torn, lost = np.eye(3, 512, dtype=np.float32)
    torn = (np.eye(512)[1] + np.eye(512)[2]) / np.sqrt(2)
    lost = np.eye(512)[400]
    entropy, doubt = identities.doubts(np.stack([clear, torn, lost]).astype(np.float32))
    np.testing.assert_allclose(entropy, [0, np.log(2) / np.log(4), 1], atol=1e-6)
    np.testing.assert_allclose(doubt, [0, 0.5, 0.75], atol=1e-6)


def test_doubts_are_the_softmax() -> None:
    head = random_head(classes=7)
    assert head.identities is not None
    features = np.random.default_rng(2).normal(size=(40, 512)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    logits = 32 * (features @ head.identities.centres.T).astype(float)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    entropy, doubt = head.identities.doubts(features)
    expected = -(probabilities * np.log(probabilities)).sum(axis=1) / np.log(7)
    np.testing.assert_allclose(entropy, expected, atol=1e-5)
    np.testing.assert_allclose(doubt, 1 - probabilities.max(axis=1), atol=1e-5)
    assert ((entropy > 0) & (entropy < 1) & (doubt > 0) & (doubt < 1)).all()
