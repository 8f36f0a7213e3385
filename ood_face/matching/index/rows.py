"""Rows that stay without gaps: what is removed is overwritten by what came last."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["Rows"]

_GROWTH = 1.25
_SMALLEST = 64


class Rows:
    """Ids, and columns of which each has one row an id.

    Parameters
    ----------
    shapes : shape of a row of each column, ``()`` for a number
    dtypes : of each column
    capacity : so many rows are made room for; room that is not used takes no memory
    """

    def __init__(
        self,
        shapes: tuple[tuple[int, ...], ...],
        dtypes: tuple[type[np.generic], ...],
        capacity: int = 0,
    ) -> None:
        capacity = max(capacity, _SMALLEST)
        self._arrays: list[NDArray[Any]] = [np.zeros(capacity, np.int64)]
        for shape, dtype in zip(shapes, dtypes, strict=True):
            self._arrays.append(np.zeros((capacity, *shape), dtype))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids, a view."""
        return self._arrays[0][: self._count]

    def column(self, number: int) -> NDArray[Any]:
        """Return a column, a view."""
        return self._arrays[1 + number][: self._count]

    def append(self, ids: NDArray[np.int64], *columns: NDArray[Any]) -> None:
        """Put rows behind the last one."""
        end = self._count + len(ids)
        if end > len(self._arrays[0]):
            self._resize(max(end, int(_GROWTH * len(self._arrays[0]))))
        for array, part in zip(self._arrays, (ids, *columns), strict=True):
            array[self._count : end] = part
        self._count = end

    def remove(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Remove the rows of these ids; ids that are not there are ignored.

        Returns
        -------
        holes, movers : int arrays of one length; the row ``movers[i]`` has gone to ``holes[i]``,
            and the rows from the new length on are gone
        """
        gone = np.flatnonzero(np.isin(self.ids, ids))
        kept = self._count - len(gone)
        holes = gone[gone < kept]
        movers = np.setdiff1d(np.arange(kept, self._count), gone, assume_unique=True)
        for array in self._arrays:
            array[holes] = array[movers]
            array[kept : self._count] = 0
        self._count = kept
        if 4 * kept < len(self._arrays[0]) > _SMALLEST:
            self._resize(max(2 * kept, _SMALLEST))
        return holes, movers

    def write(self, stream: BinaryIO) -> None:
        """Write the ids, then one column after the other, little-endian."""
        for array in self._arrays:
            part = array[: self._count]
            stream.write(part.astype(part.dtype.newbyteorder("<"), copy=False).data)

    def read(self, stream: BinaryIO, count: int) -> None:
        """Replace everything by what :meth:`write` has written.

        Raises
        ------
        ValueError
            There is less than ``count`` rows need.
        """
        start, end = stream.tell(), stream.seek(0, os.SEEK_END)
        stream.seek(start)
        if count * sum(array[:1].nbytes for array in self._arrays) > end - start:
            message = f"there are not {count} vectors"
            raise ValueError(message)
        self._count = 0
        self._resize(max(count, _SMALLEST))
        for array in self._arrays:
            content = stream.read(count * array[:1].nbytes)
            stored = np.frombuffer(content, array.dtype.newbyteorder("<"))
            array[:count] = stored.reshape(array[:count].shape)
        self._count = count

    def _resize(self, capacity: int) -> None:
        for place, array in enumerate(self._arrays):
            fresh = np.zeros((capacity, *array.shape[1:]), array.dtype)
            fresh[: self._count] = array[: self._count]
            self._arrays[place] = fresh
