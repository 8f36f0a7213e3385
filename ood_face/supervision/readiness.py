"""Event listener: superlance's ``httpok`` on ``/readyz``, taught when to leave a server alone.

``python -m ood_face.supervision.readiness PROGRAM``, subscribed to ``TICK_5``. It restarts a
server that gives no good answer, as ``httpok`` does, but not

- one that is still loading its models: it has two minutes for its first good answer; so a server
  that a restart does not make ready is restarted every two minutes, and not over and over;
- because of a single bad answer;
- because the port in ``.env`` was changed: the address is read when the server has started anew,
  and then only.
"""

from __future__ import annotations

import http.client
import logging
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xmlrpc.client import Error as RpcError  # nosec B411 - of supervisord's own answers

from superlance.httpok import HTTPOk
from supervisor.states import ProcessStates

from ood_face.supervision.events import ticks
from ood_face.supervision.settings import LogLines, begin_log, read_settings, supervisor_rpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.config import Settings

__all__ = ["ReadinessWatch", "main", "ready_url"]

# not __name__: this module is run as a program
_logger = logging.getLogger("ood_face.supervision.readiness")
# addresses to listen on -> where that server is reached
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nosec B104
_TIMEOUT_S = 5
_BAD_ANSWERS = 2
_START_S = 120.0


def ready_url(settings: Settings | None) -> str:
    """Return where the server of these settings says whether it is ready; empty: nobody knows."""
    if settings is None or settings.port == 0:
        return ""
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/readyz"


class ReadinessWatch(HTTPOk):  # type: ignore[misc] # superlance has no types
    """See the module.

    Parameters
    ----------
    rpc : supervisord's interface
    program : name of the server's program
    url : returns where to ask; empty: not to be watched
    clock : monotonic seconds
    """

    def __init__(
        self,
        rpc: Any,  # noqa: ANN401 - made by supervisor, which has no types
        program: str,
        url: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            rpc,
            programs=[program],
            any=False,
            url="",
            timeout=_TIMEOUT_S,
            statuses=[http.HTTPStatus.OK],
            inbody=None,
            email=None,
            sendmail=None,
            coredir=None,
            gcore=None,
            eager=False,
            retry_time=_TIMEOUT_S,
            name=None,
        )
        self.stderr = LogLines(_logger)
        self._read_url = url
        self._clock = clock
        self._pid = 0
        self._seen_at = 0.0
        self._was_ready = False
        self._bad = 0

    def runforever(self, test: bool = False) -> None:
        """Look at the server at every event, until supervisord has gone; ``test``: once."""
        for _ in ticks(self.stdin, self.stdout):
            try:
                self.look()
            except (OSError, RpcError, http.client.HTTPException) as exc:
                _logger.warning("supervisord cannot be asked: %s", exc)
                self.rpc("close")()  # the next call opens a connection of its own
            if test:
                return

    def look(self) -> None:
        """Ask a running server whether it is ready; restart it when it has to be."""
        running = self.listProcesses(ProcessStates.RUNNING)
        if not running:
            return
        if running[0]["pid"] != self._pid:
            self._pid, self._seen_at = running[0]["pid"], self._clock()
            self._was_ready, self._bad = False, 0
            self.url = self._read_url()
        if not self.url:
            return
        problem = self._ask()
        if not problem:
            if not self._was_ready:
                _logger.info("%s: ready (pid %d)", self.url, self._pid)
            self._was_ready, self._bad = True, 0
            return
        self._bad += 1
        loading = not self._was_ready and self._clock() - self._seen_at < _START_S
        _logger.log(logging.DEBUG if loading else logging.WARNING, "%s: %s", self.url, problem)
        if self._bad >= _BAD_ANSWERS and not loading:
            self.act(f"{self.url}: {problem}", problem)

    def _ask(self) -> str:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.netloc, timeout=self.timeout)
        try:
            connection.request("GET", address.path, headers={"User-Agent": "httpok"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as exc:
            return f"no answer: {str(exc) or type(exc).__name__}"
        finally:
            connection.close()
        return "" if status in self.statuses else f"status {status}"


def main(arguments: list[str]) -> int:
    """Run under supervisord; return the exit code."""
    begin_log()
    if len(arguments) != 1:
        _logger.error("usage: python -m ood_face.supervision.readiness PROGRAM")
        return 2
    rpc = supervisor_rpc()
    ReadinessWatch(rpc, arguments[0], lambda: ready_url(read_settings())).runforever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
