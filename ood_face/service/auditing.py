"""Every call on a gallery is noted, also one that was refused."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import BackendError, OodFaceError
from ood_face.types import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.ports import AuditLog
    from ood_face.types import AuditAction, Caller

__all__ = ["Noted", "noted"]

# of a call that met a defect of ours: it isn't known how far it came
_DEFECT = "request.failed"

_logger = logging.getLogger(__name__)


class Noted:
    """What will be noted of a call: the call fills it in.

    Attributes
    ----------
    outcome : verdict or status
    values : numbers that explain it
    subject_id : whom it was about
    """

    def __init__(self, subject_id: str | None) -> None:
        self.outcome = "ok"
        self.values: dict[str, float | int | str] = {}
        self.subject_id = subject_id


@contextmanager
def noted(
    audit: AuditLog,
    caller: Caller,
    action: AuditAction,
    gallery: str,
    subject_id: str | None = None,
) -> Iterator[Noted]:
    """Note one call when it ends; an error is noted by its key and goes on its way.

    Where the note cannot be written, the log says so: what was done is done.
    """
    note, outcome = Noted(subject_id), _DEFECT
    try:
        yield note
        outcome = note.outcome
    except OodFaceError as exc:
        outcome = exc.key
        raise
    finally:
        event = AuditEvent(action, gallery, note.subject_id, outcome, note.values)
        try:
            audit.record(caller, event)
        except BackendError as exc:
            _logger.error("not in the audit log: %s %s: %s", action, caller.request_id, exc)  # noqa: TRY400
