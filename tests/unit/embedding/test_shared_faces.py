"""Several threads may share the faces of one call; their numbers stay the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ood_face.artifacts import Manifest
from ood_face.embedding import open_embedder

WEIGHTS = Path(__file__).resolve().parents[3] / "weights"
# more than a run of the network takes at once, for each of three
MOST = 50
CROPS = np.random.default_rng(0).integers(0, 256, (MOST, 112, 112, 3), np.uint8)


@pytest.fixture(scope="module")
def embedders():
    return [open_embedder(Manifest.load(WEIGHTS), threads=threads) for threads in (1, 3)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, MOST])
def test_shared_or_not_the_numbers_are_the_same_bit_for_bit(embedders, count):
    alone, shared = (embedder.embed(CROPS[:count]) for embedder in embedders)
    assert len(shared.features) == count
    assert shared.features.tobytes() == alone.features.tobytes()
    assert shared.variances.tobytes() == alone.variances.tobytes()


def test_what_dropout_says_is_the_same(embedders):
    (_, alone), (_, shared) = (
        embedder.embed_with_uncertainty(CROPS[:5], 4) for embedder in embedders
    )
    assert shared.score_mean.tobytes() == alone.score_mean.tobytes()
    assert shared.score_spread.tobytes() == alone.score_spread.tobytes()
