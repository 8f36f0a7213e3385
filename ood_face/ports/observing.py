"""What watches the verdicts, and the work that leads to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.types import Observation, Stage

__all__ = ["Observer", "WorkObserver"]


class Observer(Protocol):
    """Is told the numbers of every verdict; safe to call from several threads."""

    def observe(self, observation: Observation) -> None:
        """Take the numbers of one verdict; never waits and never raises."""
        ...

    def labelled(self, probability: float, same: bool) -> None:
        """Take what a person said of a verdict; never waits and never raises.

        Parameters
        ----------
        probability : P(same) that the verdict came with, 0..1
        same : the two are one person
        """
        ...


class WorkObserver(Protocol):
    """Is told how the work goes; safe to call from several threads, never waits, never raises."""

    def timed(self, stage: Stage, seconds: float) -> None:
        """Take how long one stage of one picture or search took; stages that failed are left out.

        Parameters
        ----------
        stage : which
        seconds : by the clock on the wall, from its beginning to its end
        """
        ...

    def found(self, faces: int) -> None:
        """Take how many faces one picture shows."""
        ...

    def embedded(self, faces: int) -> None:
        """Take how many faces the embedding network got in one call."""
        ...

    def scored(self, scores: Iterable[float | None]) -> None:
        """Take the ood_score, 0..1, of each face of which a template was made; None: no score."""
        ...
