"""The real server under load: started, enrolled into, watched, stopped."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import psutil

from tests.benchmark.load_pictures import PEOPLE, Shape, load_picture
from tests.benchmark.load_requests import GALLERY
from tests.e2e.page_server import ROOT, free_port, page_command, page_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LoadedServer", "Usage", "enrol", "loaded_server", "watched"]

START_LIMIT_S = 300.0
STOP_LIMIT_S = 60.0
_MB = 1e6
_SAMPLE_S = 0.25


@dataclass(frozen=True, slots=True)
class LoadedServer:
    """A running server."""

    address: str
    process: psutil.Process
    log: Path

    def faults(self) -> list[str]:
        """Return the lines of its log that tell of a defect."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if " ERROR " in line or line.startswith("Traceback")]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server used over a while: cores, and its resident memory."""

    cores: float
    largest_mb: float
    last_mb: float


@contextmanager
def loaded_server(folder: Path, **settings: object) -> Iterator[LoadedServer]:
    """Start the real server on a free port, with a data folder of its own; stop it afterwards.

    Parameters
    ----------
    folder : gets the server's data, its temporary files and its log
    settings : of the server, by the names of ``Settings``

    Raises
    ------
    RuntimeError
        It did not become ready; the text is its log.
    """
    port, log = free_port(), folder / "server.log"
    environment = page_environment(folder / "data", host="127.0.0.1", port=port, **settings)
    environment["GRADIO_TEMP_DIR"] = str(folder / "page")
    with log.open("wb") as output:
        process = subprocess.Popen(
            page_command(), cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        server = LoadedServer(f"http://127.0.0.1:{port}", psutil.Process(process.pid), log)
        try:
            _wait(process, server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], server: LoadedServer) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{server.address}/readyz", timeout=30).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    problem = f"the server did not become ready:\n{server.log.read_text(errors='replace')}"
    raise RuntimeError(problem)


def enrol(address: str, copies: int = 10) -> int:
    """Make the gallery with each of ``PEOPLE`` and with lookalikes; return how many there are.

    Parameters
    ----------
    copies : subjects of each person
    """
    with httpx.Client(base_url=address, timeout=120) as client:
        client.post("/v1/galleries", json={"name": GALLERY}).raise_for_status()
        for person in PEOPLE:
            for copy in range(copies):
                picture = load_picture(person, Shape(400 + 16 * copy, 400, "JPEG"))
                fields = {"subject_id": f"{person}-{copy}" if copy else person, "force": "true"}
                client.post(
                    f"/v1/galleries/{GALLERY}/subjects",
                    data=fields,
                    files={"image": ("a.jpg", picture)},
                ).raise_for_status()
    return copies * len(PEOPLE)


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[Usage]]:
    """Watch a process; at the end the list that was given holds what it used."""
    found: list[Usage] = []
    resident_mb = [process.memory_info().rss / _MB]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_S):
            resident_mb.append(process.memory_info().rss / _MB)

    thread = threading.Thread(target=sample)
    began, used = time.monotonic(), _cpu_s(process)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        seconds = time.monotonic() - began
        cores = (_cpu_s(process) - used) / seconds
        found.append(Usage(cores, max(resident_mb), process.memory_info().rss / _MB))


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
