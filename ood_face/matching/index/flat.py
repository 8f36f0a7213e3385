"""Every feature as it is: exact, and as fast as memory is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.index.rows import Rows
from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["FlatVectors"]

# probes of one product: more would need more memory for similarities than they save in time
_PROBES = 32


class FlatVectors:
    """Features in the rows of one matrix.

    NumPy's product reads it on all cores, which FAISS's flat index does not for a single probe,
    and a removed row is overwritten at once.
    """

    kind = "flat"

    def __init__(self, capacity: int = 0) -> None:
        self._rows = Rows(((FEATURE_DIM,),), (np.float32,), capacity)

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
        count = min(count, len(self))
        similarities = np.empty((len(features), count), np.float32)
        rows = np.empty((len(features), count), np.intp)
        for start in range(0, len(features), _PROBES):
            part = slice(start, start + _PROBES)
            products = features[part] @ self.features().T
            rows[part] = _largest(products, count)
            similarities[part] = np.take_along_axis(products, rows[part], axis=1)
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


def _largest(values: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    # places of the ``count`` largest in each row, in no order
    if count == 0 or count == values.shape[1]:
        return np.broadcast_to(np.arange(count), (len(values), count))
    return np.argpartition(values, -count, axis=1)[:, -count:]
