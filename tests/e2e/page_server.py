"""The real server as a child process, for the tests of the page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PATIENCE_S", "ROOT", "free_port", "page_command", "page_environment", "running_page"]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0  # for a machine that is busy with other things; alone it takes seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def page_command() -> list[str]:
    return [sys.executable, "-m", "webui"]


def page_environment(data_dir: Path, **settings: object) -> dict[str, str]:
    """Return the environment with settings, and no others of this product's."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("OOD_FACE_")}
    settings["data_dir"] = data_dir
    given = {f"OOD_FACE_{name.upper()}": str(value) for name, value in settings.items()}
    return inherited | given


@contextmanager
def running_page(temporary: Path, **settings: object) -> Iterator[str]:
    """Start the server, wait until it is ready, yield its address, stop it."""
    port = free_port()
    environment = page_environment(temporary.with_suffix(".data"), port=port, **settings)
    environment["GRADIO_TEMP_DIR"] = str(temporary)
    log = temporary.with_suffix(".log")
    with log.open("wb") as output:
        server = subprocess.Popen(
            page_command(), cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_until_ready(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=PATIENCE_S)


def _wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", timeout=30).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the server did not become ready:\n{log.read_text(errors='replace')}")
