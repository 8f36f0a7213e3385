"""What lets requests in, and notes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ood_face.types import AdmissionLoad, AuditEvent, Caller

__all__ = ["Admission", "AuditLog"]


class Admission(Protocol):
    """Lets a bounded number of requests in."""

    @property
    def load(self) -> AdmissionLoad:
        """Who is in and who waits right now, and how many were refused so far."""
        ...

    def check_room(self) -> None:
        """Return if a request that came now would be let in or could wait.

        Raises
        ------
        BusyError
            The queue is full; that counts as a refusal.
        """
        ...

    def admit(self) -> AbstractContextManager[None]:
        """Wait for a place and hold it.

        Raises
        ------
        BusyError
            The queue is full, or no place came free in time.
        """
        ...


class AuditLog(Protocol):
    """Notes who did what; safe to call from several threads."""

    def record(self, caller: Caller, event: AuditEvent) -> None:
        """Note one event.

        Raises
        ------
        BackendError
            It could not be written.
        """
        ...

    def close(self) -> None:
        """Let go of the log."""
        ...
