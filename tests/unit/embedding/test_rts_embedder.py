"""The embedder over a session written by hand."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.embedding.rts import (
    FEATURE_OUTPUT,
    LOGVAR_OUTPUT,
    MAX_BATCH,
    RtsEmbedder,
    check_outputs,
)
from ood_face.embedding.score import ScoreCurve
from ood_face.errors import ArtifactError, BackendError, InputError

CURVE = ScoreCurve(np.array([-1.0, 2.0]), np.array([0.9, 0.1]), "1")


class MeanSession:
    """Feature: the mean colour in the first three places; log-variance: the mean brightness."""

    def __init__(self, dim: int = 512, bad: bool = False) -> None:
        self.dim, self.bad = dim, bad
        self.batches: list[int] = []

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        images = inputs["image"]
        self.batches.append(len(images))
        feature = np.full((len(images), self.dim), 0.01, np.float32)
        feature[:, :3] = images.mean(axis=(2, 3))
        if self.bad:
            feature[:] = np.nan
        logvar = np.repeat(images.mean(axis=(1, 2, 3))[:, None], 16, axis=1)
        return {FEATURE_OUTPUT: feature, LOGVAR_OUTPUT: logvar}


def crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 112, 112, 3), np.uint8)


def test_unit_features_and_scores_that_fall_with_the_variance() -> None:
    result = RtsEmbedder(MeanSession(), CURVE, "m@1").embed(crops(5))
    assert np.linalg.norm(result.features, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    order = np.argsort(result.variances)
    assert (np.diff(result.ood_scores[order]) < 0).all()


def test_large_requests_run_in_bounded_batches() -> None:
    session = MeanSession()
    RtsEmbedder(session, CURVE, "m@1").embed(crops(2 * MAX_BATCH + 3))
    assert session.batches == [MAX_BATCH, MAX_BATCH, 3]


def test_nothing_in_nothing_out() -> None:
    result = RtsEmbedder(MeanSession(), CURVE, "m@1").embed(crops(0))
    assert result.features.shape == (0, 512)
    assert result.ood_scores.shape == (0,)


def test_numbers_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(BackendError, match="not finite"):
        RtsEmbedder(MeanSession(bad=True), CURVE, "m@1").embed(crops(1))


def test_wrong_crops_are_refused() -> None:
    with pytest.raises(InputError):
        RtsEmbedder(MeanSession(), CURVE, "m@1").embed(np.zeros((1, 64, 64, 3), np.uint8))


def test_a_program_of_another_shape_is_refused() -> None:
    check_outputs(MeanSession())
    with pytest.raises(ArtifactError, match="512"):
        check_outputs(MeanSession(dim=128))
