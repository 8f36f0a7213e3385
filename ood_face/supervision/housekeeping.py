"""Event listener: rotates the server's log by day and keeps supervisord reachable.

``python -m ood_face.supervision.housekeeping LOG SOCKET``, subscribed to ``TICK_5``.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ood_face.supervision.events import ticks
from ood_face.supervision.rotation import DailyLog
from ood_face.supervision.settings import begin_log
from ood_face.supervision.socket_file import KeptSocket

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Housekeeping", "main"]

# not __name__: this module is run as a program
_logger = logging.getLogger("ood_face.supervision.housekeeping")


class Housekeeping:
    """What is done at every event.

    Parameters
    ----------
    log : the server's
    control : supervisord's socket
    today : returns the local date
    """

    def __init__(
        self, log: DailyLog, control: KeptSocket, today: Callable[[], date] = date.today
    ) -> None:
        self._log = log
        self._control = control
        self._today = today
        self._problem = ""

    def run(self, events: TextIO, answers: TextIO) -> None:
        """Tend both now and at every event, until supervisord has gone; then leave nothing."""
        try:
            # now: the day may have changed while nothing ran, and the server is still loading
            self.tend()
            for _ in ticks(events, answers):
                self.tend()
        finally:
            self._control.forget()

    def tend(self) -> None:
        """Tend both; what cannot be done is logged once, and tried again at the next event."""
        problem = ""
        try:
            self._control.tend()
            self._log.tend(self._today())
        except OSError as exc:
            problem = str(exc)
        if problem and problem != self._problem:
            _logger.error("not done: %s", problem)
        self._problem = problem


def main(arguments: list[str]) -> int:
    """Run under supervisord; return the exit code."""
    begin_log()
    # so that what is to be done at the end is done
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    if len(arguments) != 2:
        _logger.error("usage: python -m ood_face.supervision.housekeeping LOG SOCKET")
        return 2
    log, control = map(Path, arguments)
    supervisor = os.getppid()

    def reopen() -> None:
        # once it has died, the parent is another process, which this signal might end
        if os.getppid() == supervisor:
            os.kill(supervisor, signal.SIGUSR2)

    Housekeeping(DailyLog(log, reopen), KeptSocket(control)).run(sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
