"""What an index is a cache of: features by template id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import FEATURE_DIM

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FakeTruth", "clustered"]

_DIMENSIONS = 96


def clustered(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return features that, as those of faces, lie near a space of fewer dimensions."""
    axes = np.random.default_rng(99).standard_normal((_DIMENSIONS, FEATURE_DIM), np.float32)
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, _DIMENSIONS), np.float32) @ axes
    rows += rng.standard_normal((count, FEATURE_DIM), np.float32)
    features: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return features


class FakeTruth:
    """Keeps features; what was dropped is fetched as NaN.

    Attributes
    ----------
    features : by template id
    fetched : how many were asked for
    error : what to raise instead of an answer; None: answer
    """

    def __init__(self) -> None:
        self.features: dict[int, NDArray[np.float32]] = {}
        self.fetched = 0
        self.error: Exception | None = None

    def put(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        self.features.update(zip(ids.tolist(), features, strict=True))

    def drop(self, ids: NDArray[np.int64]) -> None:
        for template_id in ids.tolist():
            del self.features[template_id]

    def fetch(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        assert (np.diff(ids) > 0).all()  # sorted and unique, as promised
        if self.error is not None:
            raise self.error
        self.fetched += len(ids)
        nothing = np.full(FEATURE_DIM, np.nan, np.float32)
        return np.array([self.features.get(i, nothing) for i in ids.tolist()], np.float32).reshape(
            len(ids), FEATURE_DIM
        )

    def search(
        self, features: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return what an exact search must find."""
        ids = np.array(sorted(self.features), np.int64)
        every = self.fetch(ids)
        similarities = features @ every.T
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(similarities, order, axis=1), ids[order]
