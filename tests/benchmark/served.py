"""The real server, in a process of its own, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ROOT", "resident_mb", "server"]

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 300.0  # on a busy machine; nothing is learned from waiting longer
STOP_LIMIT_S = 60.0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(data_dir: Path | None = None) -> Iterator[tuple[str, psutil.Process, float]]:
    """Start the real server; give its address, process and seconds until ready.

    Parameters
    ----------
    data_dir : with galleries; None: a new, empty one
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {
            "OOD_FACE_HOST": "127.0.0.1",
            "OOD_FACE_PORT": str(port),
            "OOD_FACE_DATA_DIR": str(empty if data_dir is None else data_dir),
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "webui"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            while not is_ready(address):
                if process.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
                    log.seek(0)
                    raise RuntimeError(log.read().decode(errors="replace"))
                time.sleep(0.05)
            yield address, psutil.Process(process.pid), time.perf_counter() - began
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; end it if it does not."""
    process.terminate()
    try:
        process.wait(timeout=STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_ready(address: str) -> bool:
    """Ask ``/readyz``."""
    try:
        return httpx.get(f"{address}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def resident_mb(process: psutil.Process) -> float:
    """Return the resident memory of a process and its children in MB."""
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / 1e6
