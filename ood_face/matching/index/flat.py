"""Every feature as it is: exact, and as fast as memory is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import faiss
import numpy as np

from ood_face.matching.index.batches import Batches
from ood_face.matching.index.cores import one_core
from ood_face.matching.index.rows import Rows
from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["FlatVectors"]

# From 3 probes on FAISS is to use a matrix product; what it counts is probes times dimensions.
# Measured on 100,000 features and one core: one by one 16 ms each; by a product 38 ms for 2 or 4,
# 41 for 8, 60 for 32
faiss.cvar.distance_compute_blas_threshold = 3 * FEATURE_DIM
_PROBES_TOGETHER = 32


class FlatVectors:
    """Features in the rows of one matrix, which FAISS searches; a removed row is overwritten.

    One search takes one core, and as it is memory that it waits for, probes of several threads are
    searched together.
    """

    kind = "flat"

    def __init__(self, capacity: int = 0) -> None:
        self._rows = Rows(((FEATURE_DIM,),), (np.float32,), capacity)
        self._batches = Batches(self._search, len(os.sched_getaffinity(0)), _PROBES_TOGETHER)

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids in the order of the rows; a view."""
        return self._rows.ids

    def features(self) -> NDArray[np.float32]:
        """Return the features, shape (N, 512), in the order of the rows; a view."""
        return self._rows.column(0)

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Append features; the ids are known to be new."""
        self._rows.append(ids, features)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Overwrite the rows of these ids; ids that are not there are ignored."""
        self._rows.remove(ids)

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return the most similar rows of each probe; see :class:`~.vectors.Vectors`."""
        return self._batches.search(features, count)

    def _search(self, features: NDArray[np.float32], count: int) -> Found:
        count = min(count, len(self))
        if not count:
            return np.empty((len(features), 0), np.float32), np.empty((len(features), 0), np.int64)
        one_core()
        similarities, rows = faiss.knn(
            features, self.features(), count, metric=faiss.METRIC_INNER_PRODUCT
        )
        return similarities, self.ids()[rows]

    def write(self, stream: BinaryIO) -> None:
        """Write the ids, then the features."""
        self._rows.write(stream)

    @classmethod
    def read(cls, stream: BinaryIO, count: int) -> FlatVectors:
        """Read what :meth:`write` has written.

        Raises
        ------
        ValueError
            There is less than ``count`` vectors need.
        """
        flat = cls()
        flat._rows.read(stream, count)
        return flat
