"""A real supervisord with the repository's own configuration, for the tests of supervision."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.e2e.page_server import ROOT, free_port, page_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PATIENCE_S", "PROGRAM", "Supervised", "home_folder", "supervised"]

PROGRAM = "face-recognition-ood"
PATIENCE_S = 240.0  # for a machine that is busy with other things; alone it takes seconds


@dataclass
class Supervised:
    """A supervisord at work in a folder of its own."""

    home: Path
    port: int
    settings: dict[str, object] = field(default_factory=dict)
    daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start supervisord; a former one may have left whatever it left."""
        settings = {"host": "127.0.0.1", "port": self.port} | self.settings
        environment = page_environment(self.home / "var" / "data", **settings)
        self.daemon = subprocess.Popen(
            [
                str(self.home / ".venv/bin/supervisord"),
                "--nodaemon",
                "-c",
                "deploy/supervisord.conf",
            ],
            cwd=self.home,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_daemon(self) -> None:
        """Kill supervisord, and nothing else."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait(timeout=PATIENCE_S)

    def stop(self) -> None:
        """Stop everything in order; whatever does not stop is killed."""
        assert self.daemon is not None
        self.daemon.terminate()
        try:
            self.daemon.wait(timeout=60)
        finally:
            self.daemon.kill()
            self.daemon.wait()
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in the folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == str(self.home):
                    found.append(process)
        return found

    def children(self) -> set[int]:
        """Return the process ids of supervisord's children, without asking supervisord."""
        assert self.daemon is not None
        return {child.pid for child in psutil.Process(self.daemon.pid).children()}

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the real ``supervisorctl``."""
        program = self.home / ".venv" / "bin" / "supervisorctl"
        command = [str(program), "-c", "deploy/supervisord.conf", *words]
        return subprocess.run(
            command, cwd=self.home, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def state(self, program: str = PROGRAM) -> str:
        """Return the state that ``supervisorctl status`` tells; empty: it tells none."""
        words = self.ctl("status", program).stdout.split()
        return words[1] if len(words) > 1 else ""

    def pid(self, program: str = PROGRAM) -> int:
        """Return the process id of a program; 0 while it is down."""
        said = self.ctl("pid", program).stdout.strip()
        return int(said) if said.isdigit() else 0

    def status_code(self) -> int:
        """Return the status of ``/readyz``; 0: no answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).status_code
        except httpx.TransportError:
            return 0

    def log(self, name: str = PROGRAM) -> str:
        """Return what a program has logged."""
        path = self.home / "var" / "log" / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.is_file() else "(no log file)"

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Poll until ``holds``; fail when patience ends."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > end:
                said = self.ctl("status").stdout
                pytest.fail(f"after {PATIENCE_S:.0f} s still not: {what}\n{said}{self.log()}")
            time.sleep(0.1)

    def wait_ready(self, *, other_than: int = 0) -> int:
        """Wait for a server whose pid is not ``other_than``; return its pid."""

        def replaced() -> bool:
            if self.state() == "FATAL":
                pytest.fail(f"supervisord gave the server up\n{self.log()}")
            return self.pid() not in (0, other_than)

        self.wait_until(replaced, "a new process")
        self.wait_until(lambda: self.status_code() == 200, "/readyz good")
        return self.pid()

    def wait_running(self) -> int:
        """Wait until the server has lived long enough to count as started; return its pid."""
        pid = self.wait_ready()
        self.wait_until(lambda: self.state() == "RUNNING", "past startsecs")
        return pid

    def wait_seen_ready(self, pid: int) -> None:
        """Wait until httpok has had a good answer of this process."""
        line = f"ready (pid {pid})"
        self.wait_until(lambda: line in self.log("httpok"), "httpok has seen it ready")


@contextmanager
def home_folder(**changes: str) -> Iterator[Path]:
    """Yield an installation with the repository's configuration.

    Parameters
    ----------
    changes : keys of the program's section and the values they have instead
    """
    # not tmp_path: a socket's path may have 107 characters at most
    home = Path(tempfile.mkdtemp(prefix="ood-face-"))
    try:
        (home / "var" / "run").mkdir(parents=True)
        (home / "var" / "run").chmod(0o700)
        (home / "var" / "log").mkdir()
        (home / "deploy").mkdir()
        conf = (ROOT / "deploy" / "supervisord.conf").read_text(encoding="utf-8")
        for key, value in changes.items():
            conf, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", conf, count=1)
            assert count == 1, key
        (home / "deploy" / "supervisord.conf").write_text(conf, encoding="utf-8")
        (home / ".venv").symlink_to(sys.prefix)
        (home / "webui").symlink_to(ROOT / "webui")
        (home / "ood_face").symlink_to(ROOT / "ood_face")
        yield home
    finally:
        shutil.rmtree(home)


@contextmanager
def supervised(
    settings: dict[str, object] | None = None, *, wait: bool = True, **changes: str
) -> Iterator[Supervised]:
    """Start supervisord, wait until the server is ready, yield, stop it.

    Parameters
    ----------
    settings : the server's
    wait : whether to wait
    changes : see :func:`home_folder`
    """
    with home_folder(**changes) as home:
        server = Supervised(home, free_port(), settings or {})
        server.start()
        try:
            if wait:
                server.wait_ready()
            yield server
        finally:
            server.stop()
