"""What is stored by the real server, where it is killed or its disk is full."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from tests.faults.gallery_requests import best, enrol, make_gallery, subject
from tests.faults.live_server import LiveServer, live_server, note, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
WRITERS = 4
# a mount of one's own: root, or a system that lets everybody have a namespace
OWN_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size=24m tmpfs "$0"'


def test_whoever_was_told_to_be_enrolled_is_there_after_a_kill(tmp_path):
    told: list[str] = []
    seconds = []
    server = LiveServer(tmp_path)
    try:
        server.wait_ready()
        make_gallery(server)
        for number in range(ROUNDS):
            before = len(told)
            writers = [
                threading.Thread(target=_enrol_on, args=(server, f"{number}w{writer}", told))
                for writer in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            until(lambda least=before + 3: len(told) >= least, server.said)
            # anywhere within an enrolment
            time.sleep(random.random() / 5)  # noqa: S311 - the log has what came of it
            server.process.kill()
            server.process.wait()
            for writer in writers:
                writer.join()
            began_s = time.monotonic()
            server.start()
            server.wait_ready()
            seconds.append(time.monotonic() - began_s)
            assert [one for one in told if subject(server, one).status_code != 200] == []
            assert best(server) > 0.99
        assert {len(subject(server, one).json()["templates"]) for one in told} == {1}
        listed = httpx.get(f"{server.address}/v1/galleries/staff/subjects?limit=1000", timeout=60)
        there = {one["subject_id"] for one in listed.json()["subjects"]}
    finally:
        server.end()
    # one more for each writer may have been stored, its answer lost
    assert 0 <= len(there) - len(told) <= ROUNDS * WRITERS
    note(
        "kill -9 while enrolling",
        f"{len(told)} enrolments answered in {ROUNDS} rounds, all there; "
        f"{len(there) - len(told)} stored whose answer was lost; ready again after "
        f"{max(seconds):.1f} s at most",
    )


def _enrol_on(server: LiveServer, name: str, told: list[str]) -> None:
    for number in range(10_000):
        try:
            answer = enrol(server, f"{name}n{number}")
        except httpx.TransportError:
            return
        if answer.status_code == httpx.codes.CREATED:
            told.append(f"{name}n{number}")


def test_a_full_disk_refuses_what_is_to_be_stored_and_nothing_else(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    mounted = _may_mount(data)
    prefix = (*OWN_DISK, f'{MOUNT} && exec "$@"', str(data)) if mounted else ()
    with live_server(tmp_path, prefix=prefix) as server:
        make_gallery(server)
        assert enrol(server, "before").status_code == 201
        if mounted:
            filler = Path(f"/proc/{server.process.pid}/root{data}/filler")
            _fill(filler)
            refuses_to_store(server)
            filler.unlink()
        else:
            with limited_files(server):
                refuses_to_store(server)
        began_s = time.monotonic()
        until(lambda: enrol(server, "after").status_code == 201, server.said)
        note(
            "full disk for data",
            "507 for what is to be stored, extraction and searches go on; "
            f"{time.monotonic() - began_s:.1f} s after there is room, it is stored again",
        )


def test_files_that_may_not_grow_refuse_what_is_to_be_stored_and_nothing_else(tmp_path):
    with live_server(tmp_path) as server:
        make_gallery(server)
        assert enrol(server, "before").status_code == 201
        with limited_files(server):
            refuses_to_store(server)
        until(lambda: enrol(server, "after").status_code == 201, server.said)


def refuses_to_store(server: LiveServer) -> None:
    """Enrol until that is refused; see that it changed nothing and that all else goes on."""
    names = (f"more-{number}" for number in itertools.count())
    until(lambda: enrol(server, next(names)).status_code != 201, server.said)
    refused = enrol(server, "refused")

    told = (refused.status_code, refused.json()["code"])
    assert told in [(507, "request.disk_full"), (503, "request.not_ready")]
    assert refused.headers["content-type"] == "application/problem+json"
    assert server.extract().status_code == 200
    assert subject(server, "before").status_code == 200
    assert subject(server, "refused").status_code == 404
    assert best(server) > 0.99
    assert server.is_ready()
    assert "Traceback" not in server.said()


@contextmanager
def limited_files(server: LiveServer) -> Iterator[None]:
    """Let no file of the server grow beyond the largest there is in its data folder."""
    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in server.data_dir.rglob("*.sqlite*"))
    process.rlimit(psutil.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)


def _may_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*OWN_DISK, MOUNT, str(folder)], capture_output=True, check=False)
    return tried.returncode == 0


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        for size in (2**16, 2**12):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                pass  # full for this size
