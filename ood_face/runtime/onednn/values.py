"""The values of a network while it runs: what they are, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.runtime.onednn.descriptors import channels_last

if TYPE_CHECKING:
    from ood_face.runtime.graph import Graph
    from ood_face.runtime.onednn.descriptors import Layout

__all__ = ["Value", "readers_of"]


@dataclass(slots=True)
class Value:
    """A value of a network.

    Attributes
    ----------
    kind : its number format
    layout : how it lies
    shape : pictures, channels, rows, columns
    place : where it lies in the arena
    readers : steps that will read it
    integers : as what integers it lies there as well
    """

    kind: int
    layout: Layout
    shape: tuple[int, int, int, int]
    place: int
    readers: int
    integers: Value | None = None

    def some_of(self, rows: tuple[int, int]) -> Value:
        """Return rows, (first, behind the last); not all of them only of a single picture's."""
        first, behind = rows
        batch, channels, height, width = self.shape
        if behind - first == height:
            return self
        shape = (batch, channels, behind - first, width)
        place = self.place + first * (self.layout.size // height)
        return Value(self.kind, channels_last(shape, self.kind), shape, place, 0)


def readers_of(graph: Graph) -> dict[int, int]:
    """Return how many steps read each value; the output is read once more."""
    counts = {graph.source: 0, graph.target: 1}
    for step in graph.steps:
        counts.setdefault(step.target, 0)
        for used in step.sources:
            counts[used] = counts.get(used, 0) + 1
    return counts
