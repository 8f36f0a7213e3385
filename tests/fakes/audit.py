"""An audit log that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import StorageError

if TYPE_CHECKING:
    from ood_face.types import AuditEvent, Caller


class RecordingAudit:
    """Keeps callers and events in ``noted``; ``broken``: raises instead."""

    def __init__(self, *, broken: bool = False) -> None:
        self.noted: list[tuple[Caller, AuditEvent]] = []
        self._broken = broken
        self.closed = False

    def record(self, caller: Caller, event: AuditEvent) -> None:
        if self._broken:
            raise StorageError("storage.failed", "broken")
        self.noted.append((caller, event))

    def outcomes(self) -> list[tuple[str, str]]:
        """Return action and outcome of each event."""
        return [(event.action.value, event.outcome) for _, event in self.noted]

    def close(self) -> None:
        self.closed = True
