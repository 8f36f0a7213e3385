"""An observer of the work that keeps what it is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.types import Stage


class RecordingWork:
    """See :class:`ood_face.ports.WorkObserver`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.times: list[tuple[Stage, float]] = []
        self.faces: list[int] = []
        self.batches: list[int] = []
        self.scores: list[float | None] = []

    @property
    def stages(self) -> list[Stage]:
        """The stages in the order they ended."""
        return [stage for stage, _ in self.times]

    def timed(self, stage: Stage, seconds: float) -> None:
        with self._lock:
            self.times.append((stage, seconds))

    def found(self, faces: int) -> None:
        with self._lock:
            self.faces.append(faces)

    def embedded(self, faces: int) -> None:
        with self._lock:
            self.batches.append(faces)

    def scored(self, scores: Iterable[float | None]) -> None:
        with self._lock:
            self.scores.extend(scores)
