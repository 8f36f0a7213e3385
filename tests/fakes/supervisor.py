"""supervisord's interface, as far as superlance uses it, and its side of the event protocol."""

from __future__ import annotations

import io
from types import SimpleNamespace

__all__ = ["FakeSupervisor", "events_of"]

RUNNING, STARTING = 20, 10


class FakeSupervisor:
    """One program, and what was asked for it.

    Parameters
    ----------
    name : of the program
    """

    def __init__(self, name: str) -> None:
        self.info = {"name": name, "group": name, "pid": 100, "state": RUNNING}
        self.asked: list[str] = []
        self.fault: Exception | None = None
        self.closed = 0
        self.supervisor = SimpleNamespace(
            getAllProcessInfo=self._all, stopProcess=self._stop, startProcess=self._start
        )

    def __call__(self, what: str):
        """Return an action of the connection, as xmlrpc does."""
        assert what == "close"
        return self._close

    def _close(self) -> None:
        self.closed += 1

    def _all(self) -> list[dict[str, object]]:
        if self.fault is not None:
            raise self.fault
        return [dict(self.info)]

    def _stop(self, _name: str) -> None:
        self.asked.append("stop")

    def _start(self, _name: str) -> None:
        self.asked.append("start")
        self.info["pid"] += 1


def events_of(*names: str) -> io.StringIO:
    """Return what supervisord writes to a listener that gets these events, and then nothing."""
    body = "when:1201063880"
    heads = [f"ver:3.0 server:x eventname:{name} len:{len(body)}\n{body}" for name in names]
    return io.StringIO("".join(heads))
