"""The real server as a child process that faults are done to."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.page_server import PATIENCE_S, ROOT, free_port, page_command, page_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "PATIENCE_S",
    "PICTURES",
    "ROOT",
    "LiveServer",
    "live_server",
    "note",
    "raise_own_file_limit",
    "until",
]

PICTURES = ROOT / "tests" / "pictures"
LOG = ROOT / "build" / "faults"


class LiveServer:
    """One server process with a folder of its own; further processes can follow in the same.

    Parameters
    ----------
    folder : for data and log
    prefix : words before the command, such as those of a program that starts it
    listen_port : None: one that is free
    settings : of the server
    """

    def __init__(
        self,
        folder: Path,
        prefix: tuple[str, ...] = (),
        listen_port: int | None = None,
        **settings: object,
    ) -> None:
        self.port = free_port() if listen_port is None else listen_port
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.data_dir = folder / "data"
        self._prefix = prefix
        self._environment = page_environment(self.data_dir, port=self.port, **settings)
        self._environment["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        self.start()

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self._prefix, *page_command()],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def wait_ready(self) -> None:
        """Return when it answers, and fail if that takes too long."""
        until(self.is_ready, self.said)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"the server ended with {self.process.returncode}:\n{self.said()}")
        try:
            return httpx.get(f"{self.address}/readyz", timeout=30).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def said(self) -> str:
        """Return the log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def extract(self, client: httpx.Client | None = None) -> httpx.Response:
        """Send a picture with a face."""
        post = httpx.post if client is None else client.post
        data = (PICTURES / "obama_1.jpg").read_bytes()
        url = f"{self.address}/v1/extract"
        return post(url, files={"image": ("a.jpg", data)}, timeout=PATIENCE_S)

    def end(self) -> None:
        """Stop the process, if need be with force."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def live_server(folder: Path, **settings: object) -> Iterator[LiveServer]:
    """Start a server, wait until it is ready, yield it, stop it."""
    server = LiveServer(folder, **settings)
    try:
        server.wait_ready()
        yield server
    finally:
        server.end()


def until(reached: Callable[[], bool], otherwise: Callable[[], str], every_s: float = 0.05) -> None:
    """Poll until something is reached; fail when patience ends."""
    end_s = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > end_s:
            pytest.fail(f"it did not happen within {PATIENCE_S:.0f} s:\n{otherwise()}")
        time.sleep(every_s)


def note(fault: str, seen: str) -> None:
    """Keep what was seen, for the table of faults."""
    LOG.mkdir(parents=True, exist_ok=True)
    with (LOG / "seen.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{fault} | {seen}\n")
    print(f"\n{fault} | {seen}")


def raise_own_file_limit(wanted: int) -> None:
    """Let the test itself hold so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted <= hard or hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= wanted, os.uname()
