from __future__ import annotations

import numpy as np
import pytest

from ood_face.artifacts import Manifest, write_entry
from ood_face.embedding import PlainEmbedder, open_embedder
from ood_face.embedding.plain import Plan, make_plan
from ood_face.embedding.score import UNCALIBRATED, ScoreCurve
from ood_face.errors import ArtifactError, BackendError
from ood_face.runtime.program import InputSpec

SPECS = {"face": InputSpec("face", (-1, 3, 112, 112), "float32")}
CROPS = np.random.default_rng(1).integers(0, 256, (21, 112, 112, 3), np.uint8)


class FakeSession:
    """Features are the mean colours, repeated; ``change`` may spoil them."""

    def __init__(self, change=lambda features: features):
        self.change = change
        self.batches = []

    def run(self, inputs):
        (images,) = inputs.values()
        self.batches.append(len(images))
        return {"feature": self.change(np.tile(images.mean(axis=(2, 3)), (1, 171))[:, :512])}


def failing_in_batches(features):
    if len(features) > 1:
        raise BackendError("runtime.onnx", "ONNX Runtime failed: {reason}", reason="reshape")
    return features


@pytest.mark.parametrize(
    ("change", "batches"),
    [
        (lambda features: features, [16, 5]),
        (failing_in_batches, [1] * 21),
        (lambda features: features[:1], [1] * 21),
        (lambda features: features - features.mean(axis=0) + 0.01, [1] * 21),
    ],
    ids=["any", "fails", "drops all but one", "mixes"],
)
def test_the_largest_batch_that_is_safe_is_used(change, batches):
    session = FakeSession(change)
    plan = make_plan(session, SPECS)
    session.batches.clear()
    assert PlainEmbedder(session, plan, "x@1").embed(CROPS).features.shape == (21, 512)
    assert session.batches == batches


def test_a_fixed_batch_is_filled_up():
    session = FakeSession()
    plan = make_plan(session, {"face": InputSpec("face", (4, 3, 112, 112), "float32")})
    assert plan == Plan("face", "feature", 4, fixed=True)
    embedder = PlainEmbedder(session, plan, "x@1")
    session.batches.clear()
    together = embedder.embed(CROPS[:6]).features
    assert session.batches == [4, 4]
    np.testing.assert_array_equal(together[5:], embedder.embed(CROPS[5:6]).features)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_numbers_that_are_no_feature_are_refused(value):
    embedder = PlainEmbedder(
        FakeSession(lambda f: np.full_like(f, value)), Plan("face", "feature", 16, False), "x@1"
    )
    with pytest.raises(BackendError, match="not finite"):
        embedder.embed(CROPS[:2])


def test_features_of_another_shape_later_on_are_refused():
    embedder = PlainEmbedder(
        FakeSession(lambda f: f[:, :128]), Plan("face", "feature", 16, False), "x@1"
    )
    with pytest.raises(BackendError, match=r"shape \(2, 128\) for 2 pictures"):
        embedder.embed(CROPS[:2])


def test_an_unknown_engine_is_named(tmp_path):
    write_entry(tmp_path, "m", [], {"kind": "embedder", "version": "1", "engine": "tpu"})
    with pytest.raises(ArtifactError, match="engine is 'tpu', it must be one of paddle, onnx"):
        open_embedder(Manifest.load(tmp_path), "m")


@pytest.mark.parametrize(("version", "calibrated"), [("1", True), (UNCALIBRATED, False)])
def test_a_curve_says_whether_it_was_fitted(version, calibrated):
    curve = ScoreCurve(np.array([0.0, 1.0]), np.array([1.0, 0.0]), version)
    assert curve.calibrated is calibrated
