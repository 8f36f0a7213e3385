"""SIGHUP: the policies are read again while the server goes on."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING

from ood_face.errors import OodFaceError
from ood_face.types import Caller

if TYPE_CHECKING:
    from types import FrameType

    from ood_face.service import PolicyService

__all__ = ["ignore_hangup", "reload_on_hangup"]

# in the audit log
_CALLER = Caller("signal")

_logger = logging.getLogger(__name__)


def ignore_hangup() -> None:
    """Let SIGHUP do nothing: until the models are loaded there is nothing to read again."""
    signal.signal(signal.SIGHUP, _ignore)


def reload_on_hangup(policies: PolicyService) -> None:
    """Let SIGHUP read the policies again; one line in the log says how it went."""

    def reload() -> None:
        try:
            found = policies.reload(_CALLER)
        except OodFaceError as exc:
            # no traceback: a file is wrong, not the program
            _logger.error("policies not reloaded, the old ones stay in force: %s", exc)  # noqa: TRY400
            return
        _logger.info(
            "policies reloaded: %d scenarios, %d calibrations",
            len(found.scenarios),
            len(found.calibrations),
        )

    def start(_number: int, _frame: FrameType | None) -> None:
        # a thread, as the signal may come in the middle of anything, also of a reload
        threading.Thread(target=reload, name="reload-policies").start()

    signal.signal(signal.SIGHUP, start)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
