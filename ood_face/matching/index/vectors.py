"""What the kinds of an index have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fetch", "Found", "Vectors"]

# similarities and ids, both of shape (N, count), in any order within a row
Found: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]
# ids -> features from the truth, shape (N, 512); a row of NaN: that id is there no more
Fetch: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.float32]]


class Vectors(Protocol):
    """Vectors by id, without locks and checks of their own."""

    @property
    def kind(self) -> str:
        """Name of the kind, as files carry it."""
        ...

    def __len__(self) -> int: ...

    def ids(self) -> NDArray[np.int64]:
        """Return the ids, in any order."""
        ...

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Append features; the ids are known to be new."""
        ...

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove vectors; ids that are not there are ignored."""
        ...

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return the ids of vectors near each probe, with their similarities as known here.

        Parameters
        ----------
        features : float32 array of shape (N, 512)
        count : at most so many of each probe; id -1 where there are fewer
        """
        ...

    def write(self, stream: BinaryIO) -> None:
        """Write all there is."""
        ...
