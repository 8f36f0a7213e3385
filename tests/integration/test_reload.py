"""SIGHUP to the real server: its scenarios are read again while it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.page_server import PATIENCE_S, ROOT, free_port, page_command, page_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Server:
    """The server as a child process, with a scenario file of its own."""

    def __init__(self, folder: Path) -> None:
        self.scenarios = folder / "scenarios.toml"
        self.scenarios.write_text("[door]\nsame_above = 0.5\n", encoding="utf-8")
        self.log = folder / "server.log"
        self.data_dir = folder / "data"
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        environment = page_environment(self.data_dir, port=port, scenarios_file=self.scenarios)
        environment["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                page_command(), cwd=ROOT, env=environment, stdout=output, stderr=output
            )

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that the server is about to do."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if reached():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"it did not happen:\n{self.log.read_text(errors='replace')}")

    def ready(self) -> bool:
        return httpx.get(f"{self.address}/readyz", timeout=30).status_code == httpx.codes.OK

    def policies(self) -> dict[str, object]:
        return httpx.get(f"{self.address}/v1/policies", timeout=30).json()

    def threshold(self) -> float:
        found = {one["name"]: one for one in self.policies()["scenarios"]}
        return found["door"]["same_above"]

    def hang_up(self) -> None:
        os.kill(self.process.pid, signal.SIGHUP)

    def ignores_hangups(self) -> bool:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
        return bool(int(ignored.split()[1], 16) >> (signal.SIGHUP - 1) & 1)

    def has_loaded(self, library: str) -> bool:
        return library in Path(f"/proc/{self.process.pid}/maps").read_text(encoding="utf-8")

    def says(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    started = Server(tmp_path)
    try:
        started.until(started.ready)
        yield started
    finally:
        started.process.terminate()
        started.process.wait(timeout=PATIENCE_S)


def test_a_hangup_while_the_server_starts_changes_nothing(tmp_path):
    starting = Server(tmp_path)
    try:
        starting.until(starting.ignores_hangups)
        assert not starting.has_loaded("numpy")
        starting.hang_up()
        starting.until(starting.ready)
    finally:
        starting.process.terminate()
    assert starting.process.wait(timeout=PATIENCE_S) == 0


def test_a_hangup_reads_the_policies_again_or_leaves_them_as_they_are(server):
    before = server.policies()
    assert server.threshold() == 0.5
    assert [one["name"] for one in before["calibrations"]] == ["model"]

    server.scenarios.write_text("[door]\nsame_above = 0.6\n", encoding="utf-8")
    assert server.threshold() == 0.5
    server.hang_up()
    server.until(lambda: server.threshold() == 0.6)
    server.until(lambda: server.says("policies reloaded: 5 scenarios, 0 calibrations"))
    after = server.policies()
    assert after["loaded_at"] > before["loaded_at"]

    server.scenarios.write_text("[door]\nsame_above = 7\n", encoding="utf-8")
    server.hang_up()
    server.until(lambda: server.says("policies not reloaded, the old ones stay in force"))
    assert server.says("same_above must lie in -1.0..1.0, not 7")
    assert not server.says("Traceback")
    assert server.policies() == after

    refused = httpx.post(f"{server.address}/v1/policies:reload", timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (409, "scenarios.out_of_range")
    server.scenarios.write_text("[door]\nsame_above = 0.7\n", encoding="utf-8")
    answer = httpx.post(f"{server.address}/v1/policies:reload", timeout=30)
    assert answer.status_code == 200
    assert server.threshold() == 0.7
    assert '"same_above": 0.7' in (server.data_dir / "policies.json").read_text(encoding="utf-8")
