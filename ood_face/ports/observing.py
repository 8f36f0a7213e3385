"""What watches the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ood_face.types import Observation

__all__ = ["Observer"]


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
