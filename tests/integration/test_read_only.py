"""The real server where it may write next to nothing: no capabilities, no home, its code read-only.

That is how the container and the systemd unit run it.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.page_server import free_port

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests" / "pictures"
PATIENCE_S = 120.0
# gives up what lets root write everywhere: a file's mode then holds for its owner, too
WITHOUT_PRIVILEGES = """
import ctypes, os, sys
prctl, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = ctypes.CDLL(None).prctl, 24, 38
if os.geteuid() == 0:
    for capability in range(64):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def unprivileged(*arguments: str) -> list[str]:
    """Return the command that runs Python without privileges."""
    return [sys.executable, "-c", WITHOUT_PRIVILEGES, *arguments]


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def set_writable(folder: Path, writable: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Path]:
    """Copy what a container has, without compiled modules, and make it read-only."""
    folder = tmp_path / "app"
    for part in ("ood_face", "webui", "weights"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    set_writable(folder, writable=False)
    yield folder
    set_writable(folder, writable=True)


def wait_until_ready(server: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not become ready:\n{log.read_text(errors='replace')}")


def test_the_server_writes_into_its_data_folder_and_nowhere_else(
    application: Path, tmp_path: Path
) -> None:
    temporary, data, log = tmp_path / "tmp", tmp_path / "data", tmp_path / "log"
    temporary.mkdir()
    data.mkdir(mode=0o700)
    port = free_port()
    before = everything_in(application)
    with log.open("wb") as output:
        server = subprocess.Popen(
            unprivileged("-m", "webui"),
            cwd=application,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path / "no-such-home"),
                "TMPDIR": str(temporary),
                "OOD_FACE_PORT": str(port),
                "OOD_FACE_DATA_DIR": str(data),
            },
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_ready(server, client, log)
            pictures = {
                f"image_{side}": (PICTURES / f"obama_{number}.jpg").read_bytes()
                for side, number in (("a", 1), ("b", 2))
            }
            compared = client.post("/v1/compare", files=pictures)
            gallery = client.post("/v1/galleries", json={"name": "staff"})
            page = client.get("/")
    finally:
        server.terminate()
        ended = server.wait(timeout=PATIENCE_S)

    assert (compared.status_code, gallery.status_code, page.status_code) == (200, 201, 200)
    assert ended == 0, log.read_text(errors="replace")
    assert everything_in(application) == before
    assert not (tmp_path / "no-such-home").exists()
    assert everything_in(temporary) == {}
    assert {"cache", "galleries.sqlite", "audit.sqlite"} <= {path.name for path in data.iterdir()}
    assert stat.S_IMODE((data / "cache").stat().st_mode) == 0o700
    assert "Traceback" not in log.read_text(errors="replace")


def test_without_privileges_even_root_cannot_write_what_is_read_only(
    application: Path,
) -> None:
    done = subprocess.run(
        unprivileged("-c", "open('new', 'w')"),
        cwd=application,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "PermissionError" in done.stderr
