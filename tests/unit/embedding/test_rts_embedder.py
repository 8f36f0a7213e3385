"""The embedder over a trunk written by hand and a small random head."""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.embedding.head import Head
from ood_face.embedding.rts import FLAT_OUTPUT, MAX_BATCH, RtsEmbedder, check_trunk
from ood_face.embedding.score import ScoreCurve
from ood_face.errors import ArtifactError, BackendError, InputError
from ood_face.uncertainty import Uncertainties
from tests.fakes.heads import random_head

CURVE = ScoreCurve(np.array([-5.0, 5.0]), np.array([0.9, 0.1]), "1")
HEAD = random_head(width=48, dropout=0.1, classes=6)


class BlockSession:
    """Activations: the mean colours of 4x4 blocks, none below zero."""

    def __init__(self, bad: bool = False, name: str = FLAT_OUTPUT) -> None:
        self.bad, self.name = bad, name
        self.batches: list[int] = []

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        images = inputs["image"]
        self.batches.append(len(images))
        blocks = images.reshape(len(images), 3, 4, 28, 4, 28).mean(axis=(3, 5))
        flat = np.maximum(20 * blocks.reshape(len(images), 48), 0)
        return {self.name: np.full_like(flat, np.nan) if self.bad else flat}


def embedder(head: Head = HEAD, session: BlockSession | None = None) -> RtsEmbedder:
    return RtsEmbedder(session or BlockSession(), head, CURVE, "m@1")


def crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 112, 112, 3), np.uint8)


def test_unit_features_and_scores_that_fall_with_the_variance() -> None:
    result = embedder().embed(crops(5))
    assert np.linalg.norm(result.features, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    order = np.argsort(result.variances)
    assert (np.diff(result.ood_scores[order]) < 0).all()


def test_measure_keeps_the_norms() -> None:
    raw, variances = embedder().measure(crops(3))
    result = embedder().embed(crops(3))
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(norms - 1).min() > 0.01
    np.testing.assert_allclose(raw / norms, result.features, atol=1e-6)
    np.testing.assert_array_equal(variances, result.variances)


def test_large_requests_run_in_bounded_batches() -> None:
    session = BlockSession()
    embedder(session=session).embed(crops(2 * MAX_BATCH + 3))
    assert session.batches == [MAX_BATCH, MAX_BATCH, 3]


def test_nothing_in_nothing_out() -> None:
    result, doubts = embedder().embed_with_uncertainty(crops(0))
    assert result.features.shape == (0, 512)
    assert result.ood_scores.shape == (0,)
    assert len(doubts) == 0
    assert doubts.entropy is not None
    assert doubts.entropy.shape == (0,)


def test_numbers_that_are_not_finite_are_an_error() -> None:
    for call in (RtsEmbedder.embed, RtsEmbedder.uncertainty):
        with pytest.raises(BackendError, match="not finite"):
            call(embedder(session=BlockSession(bad=True)), crops(1))


def test_wrong_crops_are_refused() -> None:
    for call in (RtsEmbedder.embed, RtsEmbedder.uncertainty):
        with pytest.raises(InputError):
            call(embedder(), np.zeros((1, 64, 64, 3), np.uint8))


def test_passes_are_refused_as_uncertainty_is() -> None:
    with pytest.raises(BackendError, match="not finite"):
        embedder(session=BlockSession(bad=True)).embed_passes(crops(1), 10)
    with pytest.raises(InputError):
        embedder().embed_passes(np.zeros((1, 64, 64, 3), np.uint8), 10)
    without = embedder(random_head(dropout=0.0))
    assert (embedder().has_dropout, without.has_dropout) == (True, False)
    with pytest.raises(InputError, match="trained without dropout"):
        without.embed_passes(crops(1), 10)


def test_passes_are_those_of_the_uncertainty() -> None:
    runs = embedder().embed_passes(crops(4), 20)[1]
    doubts = embedder().uncertainty(crops(4), 20)
    assert [run.ood_scores.mean() for run in runs] == pytest.approx(doubts.score_mean, abs=1e-5)
    assert [run.ood_scores.std() for run in runs] == pytest.approx(doubts.score_spread, abs=1e-5)
    spreads = [1 - np.linalg.norm(run.features.mean(axis=0)) for run in runs]
    assert spreads == pytest.approx(doubts.feature_spread, abs=1e-5)


def test_uncertainty_runs_the_trunk_once() -> None:
    session = BlockSession()
    embedder(session=session).embed_with_uncertainty(crops(MAX_BATCH + 1), 50)
    assert session.batches == [MAX_BATCH, 1]


def test_uncertainty_leaves_the_embedding_as_it_is() -> None:
    plain = embedder().embed(crops(4))
    result, doubts = embedder().embed_with_uncertainty(crops(4), 7)
    np.testing.assert_array_equal(result.features, plain.features)
    np.testing.assert_array_equal(result.ood_scores, plain.ood_scores)
    np.testing.assert_array_equal(doubts.rts_variance, plain.variances)
    assert doubts.passes == 7


def same(first: Uncertainties, second: Uncertainties) -> None:
    for field in fields(Uncertainties):
        one, other = getattr(first, field.name), getattr(second, field.name)
        np.testing.assert_allclose(one, other, atol=1e-4, err_msg=field.name)


def test_uncertainty_is_repeatable_alone_and_in_a_batch() -> None:
    together = embedder().uncertainty(crops(20), 12)
    same(together, embedder().uncertainty(crops(20), 12))
    backwards = embedder().uncertainty(crops(20)[::-1], 12)
    np.testing.assert_allclose(backwards.feature_spread[::-1], together.feature_spread, atol=1e-5)
    alone = embedder().uncertainty(crops(20)[17:18], 12)
    for name in ("score_mean", "score_spread", "feature_spread", "entropy", "rts_variance"):
        assert getattr(alone, name)[0] == pytest.approx(getattr(together, name)[17], rel=1e-4)
    assert together.of(17).feature_spread == float(together.feature_spread[17])


def test_uncertainty_is_in_its_ranges() -> None:
    doubts = embedder().uncertainty(crops(20), 20)
    assert doubts.entropy is not None
    assert doubts.one_minus_max_probability is not None
    for values in (doubts.score_mean, doubts.entropy, doubts.one_minus_max_probability):
        assert ((values > 0) & (values < 1)).all()
    assert ((doubts.feature_spread > 0) & (doubts.feature_spread < 1)).all()
    assert ((doubts.score_spread > 0) & (doubts.score_spread <= 0.5)).all()


def test_without_identities_there_are_no_probabilities() -> None:
    doubts = embedder(random_head()).uncertainty(crops(2))
    assert doubts.entropy is None
    assert doubts.one_minus_max_probability is None
    assert doubts.of(1).entropy is None
    assert doubts.of(1).one_minus_max_probability is None


@pytest.mark.parametrize("passes", [1, 0, -3, 201, 20.0, "20"])
def test_passes_out_of_range_are_refused(passes: int) -> None:
    with pytest.raises(InputError, match="from 2 to 200"):
        embedder().uncertainty(crops(1), passes)


def test_a_model_without_dropout_says_so() -> None:
    with pytest.raises(InputError, match=r"m@1 cannot estimate.*without dropout"):
        embedder(random_head(dropout=0.0)).uncertainty(crops(1))


def test_a_program_of_another_shape_is_refused() -> None:
    check_trunk(BlockSession(), HEAD)
    with pytest.raises(ArtifactError, match="reads 40 activations"):
        check_trunk(BlockSession(), random_head(width=40))
    with pytest.raises(ArtifactError, match="one output"):
        check_trunk(BlockSession(name="other"), HEAD)
