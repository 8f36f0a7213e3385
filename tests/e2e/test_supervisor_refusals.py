"""What another start would not mend: the server stays down, and its log says why."""

from __future__ import annotations

import json
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from tests.e2e.page_server import ROOT
from tests.e2e.supervised import PATIENCE_S, PROGRAM, Supervised, supervised

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(4 * PATIENCE_S)

RETRIES = 2  # 5 in earnest, which takes half a minute
# longer than a busy machine takes to find out what is wrong
LONG_START = {"startsecs": "200", "startretries": str(RETRIES)}


@pytest.fixture
def broken_weights(tmp_path: Path) -> Path:
    """Return a copy of the weights with a flipped byte in one file of the default model."""
    folder = tmp_path / "weights"
    shutil.copytree(ROOT / "weights", folder)
    victim = max(folder.rglob("*.pdiparams"), key=lambda path: path.stat().st_size)
    for path in folder.rglob(victim.name):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    return folder


def wait_fatal(server: Supervised) -> None:
    server.wait_until(lambda: server.state() == "FATAL", "FATAL")


def starts(server: Supervised) -> int:
    return server.log("supervisord").count(f"spawned: '{PROGRAM}'")


def test_broken_weights_end_in_fatal_with_the_reason_and_without_a_storm(
    broken_weights: Path,
) -> None:
    settings = {"weights_dir": broken_weights, "log_format": "json"}
    with supervised(settings, wait=False, **LONG_START) as server:
        wait_fatal(server)
        reasons = [json.loads(line) for line in server.log().splitlines()]
        refused = [line for line in reasons if line["level"] == "CRITICAL"]

        assert starts(server) == RETRIES + 1
        assert len(refused) == RETRIES + 1
        assert "sha256" in refused[0]["message"]
        assert "Exited too quickly" in server.ctl("status", PROGRAM).stdout
        assert server.ctl("tail", PROGRAM).stdout.strip() in server.log()


def test_a_port_that_is_taken_ends_in_fatal_and_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with supervised({"port": port}, wait=False, startsecs="200", startretries="0") as server:
            wait_fatal(server)

            assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in server.log()
            assert starts(server) == 1


def test_a_fault_found_late_leaves_the_server_down_as_well(broken_weights: Path) -> None:
    # with startsecs 0 it counts as running at once, as on a machine that takes long to start it
    with supervised({"weights_dir": broken_weights}, wait=False, startsecs="0") as server:
        server.wait_until(lambda: server.state() == "EXITED", "EXITED")

        assert "sha256" in server.log()
        assert starts(server) == 1
