"""Every feature as it is: exact, and as fast as memory is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["FlatVectors"]

_GROWTH = 1.25
_SMALLEST = 64


class FlatVectors:
    """Features in the rows of one matrix.

    NumPy's product reads it on all cores, which FAISS's flat index does not for a single probe;
    and a removed row is overwritten at once, by the last row, instead of moving all that follow.
    """

    kind = "flat"

    def __init__(self, capacity: int = _SMALLEST) -> None:
        self._ids = np.zeros(capacity, np.int64)
        self._features = np.zeros((capacity, FEATURE_DIM), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def ids(self) -> NDArray[np.int64]:
        """Return the ids in the order of the rows; a view."""
        return self._ids[: self._count]

    def features(self) -> NDArray[np.float32]:
        """Return the features, shape (N, 512); a view."""
        return self._features[: self._count]

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Append features; the ids are known to be new."""
        end = self._count + len(ids)
        if end > len(self._ids):
            self._resize(max(end, int(_GROWTH * len(self._ids))))
        self._ids[self._count : end] = ids
        self._features[self._count : end] = features
        self._count = end

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Overwrite the rows of these ids; ids that are not there are ignored."""
        gone = np.flatnonzero(np.isin(self.ids(), ids))
        kept = self._count - len(gone)
        holes = gone[gone < kept]
        movers = np.setdiff1d(np.arange(kept, self._count), gone)
        self._ids[holes] = self._ids[movers]
        self._features[holes] = self._features[movers]
        self._ids[kept : self._count] = 0
        self._features[kept : self._count] = 0
        self._count = kept
        if 4 * kept < len(self._ids) > _SMALLEST:
            self._resize(max(2 * kept, _SMALLEST))

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return the most similar rows of each probe; see :class:`~.vectors.Vectors`."""
        similarities = features @ self.features().T
        count = min(count, self._count)
        if count < self._count:
            best = np.argpartition(similarities, -count, axis=1)[:, -count:]
            similarities = np.take_along_axis(similarities, best, axis=1)
            return similarities, self._ids[best]
        return similarities, np.broadcast_to(self.ids(), similarities.shape)

    def write(self, stream: BinaryIO) -> None:
        """Write the ids, then the features."""
        stream.write(self.ids().astype("<i8", copy=False).data)
        stream.write(self.features().astype("<f4", copy=False).data)

    @classmethod
    def read(cls, stream: BinaryIO, count: int) -> FlatVectors:
        """Read what :meth:`write` has written.

        Raises
        ------
        ValueError
            There is less than ``count`` vectors need.
        """
        flat = cls(max(count, _SMALLEST))
        flat._count = count
        for part in (flat.ids(), flat.features()):
            if part.nbytes and stream.readinto(part.data.cast("B")) != part.nbytes:  # type: ignore[attr-defined]
                message = f"not {count} vectors"
                raise ValueError(message)
        return flat

    def _resize(self, capacity: int) -> None:
        ids = np.zeros(capacity, np.int64)
        features = np.zeros((capacity, FEATURE_DIM), np.float32)
        ids[: self._count] = self.ids()
        features[: self._count] = self.features()
        self._ids, self._features = ids, features
