"""The real supervisord, with the repository's own configuration, keeps the real server alive."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "face-recognition-ood"
PATIENCE_S = 240.0  # for a machine that is busy with other things; alone it takes seconds

pytestmark = pytest.mark.timeout(4 * PATIENCE_S)


@dataclass(frozen=True)
class Supervised:
    """A supervisord at work in a folder of its own."""

    home: Path
    port: int

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the real ``supervisorctl``."""
        program = self.home / ".venv" / "bin" / "supervisorctl"
        command = [str(program), "-c", "deploy/supervisord.conf", *words]
        return subprocess.run(
            command, cwd=self.home, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def pid(self) -> int:
        """Return the process id of the server; 0 while it is down."""
        said = self.ctl("pid", PROGRAM).stdout.strip()
        return int(said) if said.isdigit() else 0

    def status_code(self) -> int:
        """Return the status of ``/readyz``; 0: no answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).status_code
        except httpx.TransportError:
            return 0

    def log(self) -> str:
        """Return what the server has logged."""
        path = self.home / "var" / "log" / f"{PROGRAM}.log"
        return path.read_text(encoding="utf-8") if path.exists() else "(no log file)"

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Poll until ``holds``; fail when patience ends."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            if "FATAL" in self.ctl("status").stdout:
                pytest.fail(f"supervisord gave the server up; wanted: {what}\n{self.log()}")
            if time.monotonic() > end:
                pytest.fail(f"after {PATIENCE_S:.0f} s still not: {what}\n{self.log()}")
            time.sleep(0.2)

    def wait_ready(self, *, other_than: int = 0) -> int:
        """Wait for a server whose pid is not ``other_than``; return its pid."""
        self.wait_until(lambda: self.pid() not in (0, other_than), "a new process")
        self.wait_until(lambda: self.status_code() == 200, "/readyz good")
        return self.pid()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def supervised() -> Iterator[Supervised]:
    # not tmp_path: a socket's path may have 107 characters at most
    home = Path(tempfile.mkdtemp(prefix="ood-face-"))
    (home / "var" / "run").mkdir(parents=True)
    (home / "var" / "run").chmod(0o700)
    (home / "var" / "log").mkdir()
    (home / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "supervisord.conf", home / "deploy")
    (home / ".venv").symlink_to(sys.prefix)
    (home / "webui").symlink_to(ROOT / "webui")
    port = free_port()
    process = subprocess.Popen(
        [str(home / ".venv/bin/supervisord"), "--nodaemon", "-c", "deploy/supervisord.conf"],
        cwd=home,
        env=os.environ
        | {
            "OOD_FACE_HOST": "127.0.0.1",
            "OOD_FACE_PORT": str(port),
            "OOD_FACE_DATA_DIR": str(home / "var" / "data"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = Supervised(home, port)
        server.wait_ready()
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=45)
        finally:
            process.kill()
            shutil.rmtree(home)


def test_a_killed_server_is_replaced_and_ready_again(supervised: Supervised) -> None:
    before = supervised.wait_ready()

    os.kill(before, signal.SIGKILL)
    after = supervised.wait_ready(other_than=before)

    assert after != before
    assert not psutil.pid_exists(before)


def test_status_says_running(supervised: Supervised) -> None:
    supervised.wait_ready()
    supervised.wait_until(
        lambda: "STARTING" not in supervised.ctl("status").stdout, "past startsecs"
    )

    said = supervised.ctl("status")

    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.split()[:2] == [PROGRAM, "RUNNING"]


def test_restart_replaces_the_server(supervised: Supervised) -> None:
    before = supervised.wait_ready()

    said = supervised.ctl("restart", PROGRAM)
    after = supervised.wait_ready(other_than=before)

    assert said.stdout.splitlines() == [f"{PROGRAM}: stopped", f"{PROGRAM}: started"]
    assert after != before
    assert not psutil.pid_exists(before)


def test_the_log_is_a_named_file_that_the_client_can_tail(supervised: Supervised) -> None:
    supervised.wait_ready()

    tail = supervised.ctl("tail", PROGRAM).stdout

    assert "\n" in tail
    assert tail.strip() in supervised.log()
    assert "Traceback" not in supervised.log()


def test_the_socket_is_private_and_nothing_else_listens(supervised: Supervised) -> None:
    folder = supervised.home / "var" / "run"
    daemon = psutil.Process(int((folder / "supervisord.pid").read_text(encoding="ascii")))

    assert stat.S_IMODE((folder / "supervisor.sock").stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert daemon.net_connections(kind="inet") == []


def test_stop_ends_the_whole_process_group_and_start_brings_it_back(
    supervised: Supervised,
) -> None:
    before = supervised.wait_ready()
    family = [before, *(child.pid for child in psutil.Process(before).children(recursive=True))]

    supervised.ctl("stop", PROGRAM)
    left = [pid for pid in family if psutil.pid_exists(pid)]
    answer = supervised.status_code()
    supervised.ctl("start", PROGRAM)

    assert left == []
    assert answer == 0
    assert supervised.wait_ready() not in family
