"""What every ``Embedder`` promises, over the fake, the shipped model and imported ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.embedding import open_embedder
from ood_face.errors import InputError
from ood_face.importers import import_modelscope, import_onnx
from ood_face.types import QualityScore
from tests.fakes import FakeEmbedder
from tests.fakes.onnx_network import onnx_network
from tests.fakes.twin import SMALL, random_twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.ports import Embedder

SCORED = ("fake", "shipped", "imported from ModelScope")
UNSCORED = ("fake without a score", "imported ONNX")


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Callable[[str], Embedder]:
    """Return a function that opens each kind of embedder once."""
    weights = tmp_path_factory.mktemp("weights")

    @cache
    def embedder_of(kind: str) -> Embedder:
        if kind == "fake":
            return FakeEmbedder()
        if kind == "fake without a score":
            return FakeEmbedder(quality_score=QualityScore.NONE)
        if kind == "shipped":
            return open_embedder(Manifest.load(Settings().weights_dir), workers=2, threads=1)
        if kind == "imported ONNX":
            (weights / "it.onnx").write_bytes(onnx_network("N"))
            name = import_onnx(weights / "it.onnx", weights).name
        else:
            torch.save(random_twin(SMALL).state_dict(), weights / "it.bin")
            name = import_modelscope(weights / "it.bin", weights, architecture=SMALL).name
        return open_embedder(Manifest.load(weights), name, workers=2, threads=1)

    return embedder_of


@pytest.fixture(scope="module", params=[*SCORED, *UNSCORED])
def embedder(request, opened) -> Embedder:
    return opened(request.param)


@pytest.fixture(scope="module", params=SCORED)
def scored(request, opened) -> Embedder:
    return opened(request.param)


@pytest.fixture(scope="module", params=UNSCORED)
def unscored(request, opened) -> Embedder:
    return opened(request.param)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    # smooth patterns of different colours and sizes, as far from each other as faces are
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (20, 7, 7, 3), np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def test_shapes_types_and_ranges(embedder, crops):
    embedded = embedder.embed(crops)
    assert (embedded.features.shape, embedded.features.dtype) == ((20, 512), np.float32)
    np.testing.assert_allclose(np.linalg.norm(embedded.features, axis=1), 1, atol=1e-5)


def test_scores_and_variances_are_in_their_ranges(scored, crops):
    assert scored.quality_score is not QualityScore.NONE
    embedded = scored.embed(crops)
    assert (embedded.ood_scores.shape, embedded.ood_scores.dtype) == ((20,), np.float32)
    assert (embedded.variances.shape, embedded.variances.dtype) == ((20,), np.float32)
    assert np.all((embedded.ood_scores >= 0) & (embedded.ood_scores <= 1))
    assert np.all(np.isfinite(embedded.variances))


def test_without_a_score_there_is_none_and_no_uncertainty(unscored, crops):
    assert unscored.quality_score is QualityScore.NONE
    for part in (crops, crops[:0]):
        embedded = unscored.embed(part)
        assert (embedded.ood_scores, embedded.variances) == (None, None)
        with pytest.raises(InputError, match="cannot estimate its uncertainty"):
            unscored.embed_with_uncertainty(part, 2)


def test_a_higher_variance_is_never_a_better_score(scored, crops):
    embedded = scored.embed(crops)
    ordered = embedded.ood_scores[np.argsort(embedded.variances)]
    assert np.all(np.diff(ordered) <= 1e-6)


def test_no_crops(embedder, crops):
    embedded = embedder.embed(crops[:0])
    assert embedded.features.shape == (0, 512)
    assert embedded.ood_scores is None or embedded.ood_scores.shape == (0,)


def test_the_same_crop_gives_the_same_answer(embedder, crops):
    first, second = embedder.embed(crops[:3]), embedder.embed(crops[:3])
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.ood_scores, second.ood_scores)


def test_a_batch_is_its_crops_one_by_one(embedder, crops):
    together = embedder.embed(crops)
    for i in (0, 7, 19):
        alone = embedder.embed(crops[i : i + 1])
        assert alone.features[0] @ together.features[i] >= 0.99999
        if together.ood_scores is not None:
            assert alone.ood_scores[0] == pytest.approx(together.ood_scores[i], abs=1e-3)


def test_different_crops_give_different_features(embedder, crops):
    features = embedder.embed(crops).features
    similarities = features @ features.T
    assert np.all(similarities[~np.eye(20, dtype=bool)] < 0.9999)


def test_the_crops_are_left_as_they_are(embedder, crops):
    before = crops.copy()
    embedder.embed(crops)
    np.testing.assert_array_equal(crops, before)


def test_threads_get_their_own_answers(embedder, crops):
    alone = [embedder.embed(crops[i : i + 1]).features[0] for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda i: embedder.embed(crops[i % 8][None]).features[0], range(24))
        )
    for i, feature in enumerate(together):
        assert feature @ alone[i % 8] >= 0.99999


def test_the_model_id_is_a_name(embedder):
    assert embedder.model_id == embedder.model_id.strip() != ""


def test_uncertainty_leaves_the_embedding_as_it_is(scored, crops):
    plain = scored.embed(crops[:3])
    embedded, doubts = scored.embed_with_uncertainty(crops[:3], 10)
    np.testing.assert_array_equal(embedded.features, plain.features)
    np.testing.assert_array_equal(embedded.ood_scores, plain.ood_scores)
    np.testing.assert_array_equal(doubts.rts_variance, plain.variances)
    assert (len(doubts), doubts.passes) == (3, 10)


def test_uncertainty_is_in_its_ranges(scored, crops):
    doubts = scored.embed_with_uncertainty(crops, 20)[1]
    shares = [doubts.score_mean, doubts.feature_spread]
    shares += [
        values
        for values in (doubts.entropy, doubts.one_minus_max_probability)
        if values is not None
    ]
    for values in shares:
        assert (values.shape, values.dtype) == ((20,), np.float32)
        assert np.all((values >= 0) & (values <= 1))
    assert np.all((doubts.score_spread >= 0) & (doubts.score_spread <= 0.5))
    assert np.all(doubts.feature_spread > 0)


def test_uncertainty_is_the_same_again_and_alone(scored, crops):
    together = scored.embed_with_uncertainty(crops, 12)[1]
    again = scored.embed_with_uncertainty(crops, 12)[1]
    alone = scored.embed_with_uncertainty(crops[5:6], 12)[1].of(0)
    for name, value in asdict(alone).items():
        # without identities, two of the values are None
        near = value if value is None else pytest.approx(value, abs=1e-4, rel=1e-4)
        assert getattr(together.of(5), name) == near, name
        assert getattr(again.of(5), name) == getattr(together.of(5), name), name


def test_uncertainty_of_no_crops(scored, crops):
    embedded, doubts = scored.embed_with_uncertainty(crops[:0], 2)
    assert (len(embedded.features), len(doubts)) == (0, 0)


@pytest.mark.parametrize("passes", [1, 201, 2.5])
def test_passes_have_limits(embedder, crops, passes):
    with pytest.raises(InputError, match="from 2 to 200"):
        embedder.embed_with_uncertainty(crops[:1], passes)
    with pytest.raises(InputError, match="from 2 to 200"):
        embedder.embed_passes(crops[:1], passes)


def test_each_pass_is_a_unit_feature_with_a_score(scored, crops):
    assert scored.has_dropout
    embedded, runs = scored.embed_passes(crops[:3], 10)
    plain = scored.embed(crops[:3])
    np.testing.assert_array_equal(embedded.features, plain.features)
    np.testing.assert_array_equal(embedded.ood_scores, plain.ood_scores)
    assert [len(run) for run in runs] == [10, 10, 10]
    for run, feature in zip(runs, plain.features, strict=True):
        np.testing.assert_allclose(np.linalg.norm(run.features, axis=1), 1, atol=1e-5)
        assert np.all((run.ood_scores >= 0) & (run.ood_scores <= 1))
        similarities = run.features @ feature
        assert 0 < similarities.min() <= similarities.max() < 1 - 1e-6
    assert scored.embed_passes(crops[:0], 10)[1] == []


def test_passes_are_the_same_again_and_alone_and_the_first_of_more(scored, crops):
    together = scored.embed_passes(crops[:6], 12)[1][5]
    again = scored.embed_passes(crops[:6], 12)[1][5]
    np.testing.assert_array_equal(again.features, together.features)
    for alone in (scored.embed_passes(crops[5:6], count)[1][0] for count in (12, 20)):
        similarities = (alone.features[:12] * together.features).sum(axis=1)
        assert similarities.min() >= 0.9999


def test_without_a_score_there_are_no_passes(unscored, crops):
    assert not unscored.has_dropout
    with pytest.raises(InputError, match="cannot estimate its uncertainty"):
        unscored.embed_passes(crops[:1], 10)
