"""An HTTP server in a thread of the test's own process."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import uvicorn

__all__ = ["PATIENCE_S", "running", "wait_until"]

PATIENCE_S = 30.0


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Poll until something is reached; fail when patience ends."""
    end_s = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end_s, f"within {PATIENCE_S:.0f} s there was not: {what}"
        time.sleep(0.01)


@contextmanager
def running(server: uvicorn.Server) -> Iterator[int]:
    """Run a server, yield its port, stop it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started, "a server that has started")
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
