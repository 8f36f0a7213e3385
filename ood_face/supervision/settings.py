"""What every listener needs: the settings, the log, supervisord's interface."""

from __future__ import annotations

import logging
import os
from typing import Any

from pydantic import ValidationError
from supervisor import childutils

from ood_face import logs
from ood_face.config import Settings

__all__ = ["LogLines", "begin_log", "read_settings", "supervisor_rpc"]


class LogLines:
    """Takes the place of superlance's standard error: its lines go into the log.

    Parameters
    ----------
    logger, level : where they go
    """

    def __init__(self, logger: logging.Logger, level: int = logging.WARNING) -> None:
        self._logger = logger
        self._level = level

    def write(self, text: str) -> None:
        """Log every line that is not empty."""
        for line in filter(None, map(str.strip, text.splitlines())):
            self._logger.log(self._level, "%s", line)

    def flush(self) -> None:
        """Do nothing: every line is written at once."""


def read_settings() -> Settings | None:
    """Return what the environment and ``.env`` say now; None: the server refuses it, too."""
    try:
        return Settings()
    except ValidationError:
        return None


def begin_log() -> Settings | None:
    """Set the log up, and return the settings; see :func:`read_settings`."""
    settings = read_settings()
    if settings is None:
        logs.configure("INFO", "plain")
    else:
        logs.configure(settings.log_level, settings.log_format)
    return settings


def supervisor_rpc() -> Any:  # noqa: ANN401 - made by supervisor, which has no types
    """Return the interface of the supervisord that started this process."""
    return childutils.getRPCInterface(os.environ)
