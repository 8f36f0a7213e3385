"""An embedder that is a fixed random projection of the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import FEATURE_DIM, DropoutPasses, Embeddings, QualityScore
from ood_face.uncertainty import Uncertainties, check_passes, no_dropout

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FakeEmbedder:
    """Features follow the colours of a crop, the score its brightness: 255 is 1, 0 is 0.

    With ``quality_score`` none, there are no scores and no uncertainties. What is not bright is
    not sure: each doubt is a share of the darkness, and the spread narrows with the passes. The
    passes lie about the feature, as far from it as the face is dark.
    """

    def __init__(
        self, model_id: str = "fake-1", quality_score: QualityScore = QualityScore.CALIBRATED
    ) -> None:
        self._model_id = model_id
        self._quality_score = quality_score
        rng = np.random.default_rng(7)
        # 7x7 blocks of 3 colours, and a constant that keeps the norm from 0
        self._projection = rng.normal(size=(7 * 7 * 3 + 1, FEATURE_DIM))

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def quality_score(self) -> QualityScore:
        return self._quality_score

    @property
    def has_dropout(self) -> bool:
        return self._quality_score is not QualityScore.NONE

    def embed(self, crops: NDArray[np.uint8]) -> Embeddings:
        count = len(crops)
        blocks = crops.reshape(count, 7, 16, 7, 16, 3).mean(axis=(2, 4)) / 255 - 0.5
        inputs = np.concatenate(
            [blocks.reshape(count, 7 * 7 * 3), np.full((count, 1), 0.1)], axis=1
        )
        features = inputs @ self._projection
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        if self._quality_score is QualityScore.NONE:
            return Embeddings(features=features, ood_scores=None, variances=None)
        scores = crops.mean(axis=(1, 2, 3)) / 255
        return Embeddings(features=features, ood_scores=scores, variances=1 - scores)

    def embed_with_uncertainty(
        self, crops: NDArray[np.uint8], passes: int
    ) -> tuple[Embeddings, Uncertainties]:
        check_passes(passes)
        embedded = self.embed(crops)
        if embedded.ood_scores is None or embedded.variances is None:
            raise no_dropout(self._model_id)
        darkness = embedded.variances
        return embedded, Uncertainties(
            rts_variance=darkness,
            passes=passes,
            score_mean=embedded.ood_scores,
            score_spread=darkness / (2 * passes),
            feature_spread=darkness / 4,
            entropy=darkness / 3,
            one_minus_max_probability=darkness / 2,
        )

    def embed_passes(
        self, crops: NDArray[np.uint8], passes: int
    ) -> tuple[Embeddings, list[DropoutPasses]]:
        embedded = self.embed_with_uncertainty(crops, passes)[0]
        runs = []
        for feature, crop in zip(embedded.features, crops, strict=True):
            score = float(crop.mean()) / 255
            noise = np.random.default_rng(int(crop.sum())).normal(size=(passes, FEATURE_DIM + 1))
            moved = feature + 0.05 * (1 - score) * noise[:, 1:]
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            scores = np.clip(score + 0.1 * (1 - score) * noise[:, 0], 0, 1)
            runs.append(DropoutPasses(moved, scores))
        return embedded, runs
