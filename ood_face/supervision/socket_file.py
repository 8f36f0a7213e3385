"""The name of a socket, put back when somebody has deleted it."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KeptSocket"]

_logger = logging.getLogger(__name__)


class KeptSocket:
    """A Unix socket with a second name, from which the first is made anew when it is gone.

    Whoever listens on a socket does not notice that its file was deleted, and nobody can reach it
    from then on. A second link to the file is as good as the first.

    Parameters
    ----------
    path : the socket; ``.NAME.kept`` beside it is the second link
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = path.with_name(f".{path.name}.kept")

    def tend(self) -> None:
        """Keep the second link, or make the first one anew.

        Raises
        ------
        OSError
            The folder cannot be changed.
        """
        if self._path.is_socket():
            if not (self._kept.exists() and self._kept.samefile(self._path)):
                self._kept.unlink(missing_ok=True)
                self._kept.hardlink_to(self._path)
        elif self._kept.is_socket() and not self._path.exists() and _answers(self._kept):
            self._path.hardlink_to(self._kept)
            _logger.warning("%s had been deleted and is there again", self._path.name)

    def forget(self) -> None:
        """Remove the second link."""
        with suppress(OSError):
            self._kept.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
