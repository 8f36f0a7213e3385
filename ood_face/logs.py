"""How log lines look: plain for people, or JSON, one object a line, for what collects logs."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["JsonFormatter", "LogFormat", "PlainFormatter", "configure", "log_uncaught", "refuse"]

LogFormat = Literal["plain", "json"]

# what a caller may give in ``extra``; anything else there stays out of the log
_FIELDS = ("request_id", "method", "route", "status", "ms")
# a line of the log is one line of the file, whatever a message quotes
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 13: "\\r", 9: "\t"}

_logger = logging.getLogger(__name__)


class PlainFormatter(logging.Formatter):
    """Local time, level, logger, message; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line, with control characters escaped."""
        return super().formatMessage(record).translate(_ESCAPES)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (UTC, ms), ``level``, ``logger``, ``message``.

    Lines about a request have ``request_id``, and its last one ``method``, ``route``, ``status``
    and ``ms``, too. ``exception`` holds a traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: str, log_format: LogFormat) -> None:
    """Write the log of this process to standard error.

    A process whose root logger has a handler already keeps it.

    Parameters
    ----------
    level : the lowest level written, such as ``INFO``
    log_format : see the two formatters
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    logging.basicConfig(level=level, handlers=[handler])


def log_uncaught() -> None:
    """Log what nobody caught, in any thread, and warnings, in the format of the other lines."""
    logging.captureWarnings(capture=True)

    def log(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        _logger.critical("defect: %s", kind.__name__, exc_info=(kind, error or kind(), trace))

    sys.excepthook = log
    threading.excepthook = lambda args: log(args.exc_type, args.exc_value, args.exc_traceback)


def refuse(sentence: str, log_format: LogFormat) -> None:
    """Say on standard error, in one line, why the process ends.

    Parameters
    ----------
    sentence : the reason
    log_format : plain: as commands do, ``ood_face: reason``; json: a line of the log
    """
    if log_format == "json":
        _logger.critical("%s", sentence)
    else:
        sys.stderr.write(f"ood_face: {sentence}\n")
