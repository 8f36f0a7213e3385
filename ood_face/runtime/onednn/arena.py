"""Memory for all values of a run, and who has which part of it."""

from __future__ import annotations

import numpy as np

from ood_face.runtime.onednn.descriptors import ALIGNMENT, aligned

__all__ = ["Arena", "Places"]


class Arena:
    """Memory that grows; addresses hold until it does."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self.address = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self._memory)

    def reserve(self, size: int) -> None:
        """Be at least this large; what lay here may be gone."""
        if size + ALIGNMENT <= len(self._memory):
            return
        self._memory = np.empty(size + ALIGNMENT, np.uint8)
        self.address = aligned(self._memory)


class Places:
    """Who lies where in an arena: first fit among what was given back, else at the end.

    Attributes
    ----------
    size : bytes the arena must have
    """

    def __init__(self) -> None:
        self.size = 0
        self._free: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        """Return a place for so many bytes."""
        size = -(-size // ALIGNMENT) * ALIGNMENT
        for index, (place, room) in enumerate(self._free):
            if room >= size:
                self._free[index] = (place + size, room - size)
                return place
        place = self.size
        self.size += size
        return place

    def give_back(self, place: int, size: int) -> None:
        """Let others have a place of so many bytes."""
        size = -(-size // ALIGNMENT) * ALIGNMENT
        merged: list[tuple[int, int]] = []
        for start, room in sorted([*self._free, (place, size)]):
            if merged and merged[-1][0] + merged[-1][1] == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + room)
            elif room:
                merged.append((start, room))
        self._free = merged
