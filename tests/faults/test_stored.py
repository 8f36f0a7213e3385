"""What is stored by the real server, where it is killed or its disk is full."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
import time
from pathlib import Path

import httpx

from tests.faults.live_server import PATIENCE_S, PICTURES, LiveServer, live_server, note, until

PICTURE = (PICTURES / "obama_1.jpg").read_bytes()
ROUNDS = 3
WRITERS = 4
# a mount of one's own: root, or a system that lets everybody have a namespace
OWN_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size=24m tmpfs "$0"'
# what every process may do to itself; told as an error of its own, as the disk has room
LIMIT = ("sh", "-c", 'ulimit -f 200 && exec "$@"', "sh")


def make_gallery(server: LiveServer) -> None:
    answer = httpx.post(f"{server.address}/v1/galleries", json={"name": "staff"}, timeout=60)
    assert answer.status_code == 201, answer.text


def enrol(server: LiveServer, subject_id: str) -> httpx.Response:
    """Enrol somebody; all have the same face."""
    return httpx.post(
        f"{server.address}/v1/galleries/staff/subjects",
        data={"subject_id": subject_id, "force": "true"},
        files={"image": ("a.jpg", PICTURE)},
        timeout=PATIENCE_S,
    )


def subject(server: LiveServer, subject_id: str) -> httpx.Response:
    return httpx.get(f"{server.address}/v1/galleries/staff/subjects/{subject_id}", timeout=60)


def best(server: LiveServer) -> float:
    """Return the similarity of the face to the most similar person."""
    answer = httpx.post(
        f"{server.address}/v1/galleries/staff:identify",
        files={"image": ("a.jpg", PICTURE)},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["candidates"][0]["similarity"]


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
    if not _may_mount(data):
        _see_a_limit(tmp_path)
        return
    prefix = (*OWN_DISK, f'{MOUNT} && exec "$@"', str(data))
    with live_server(tmp_path, prefix=prefix) as server:
        make_gallery(server)
        assert enrol(server, "before").status_code == 201
        filler = Path(f"/proc/{server.process.pid}/root{data}/filler")
        _fill(filler)
        until(lambda: enrol(server, "refused").status_code != 201, server.said)
        refused = enrol(server, "refused-too")

        assert (refused.status_code, refused.json()["code"]) == (507, "request.disk_full")
        assert refused.headers["content-type"] == "application/problem+json"
        assert server.extract().status_code == 200
        assert subject(server, "before").status_code == 200
        assert subject(server, "refused-too").status_code == 404
        assert best(server) > 0.99
        assert server.is_ready()

        filler.unlink()
        began_s = time.monotonic()
        until(lambda: enrol(server, "after").status_code == 201, server.said)
        note(
            "full disk for data",
            f"507 for what is to be stored, extraction and searches go on; "
            f"{time.monotonic() - began_s:.1f} s after there is room, it is stored again",
        )
        assert "Traceback" not in server.said()


def _see_a_limit(folder: Path) -> None:
    with live_server(folder, prefix=LIMIT) as server:
        make_gallery(server)
        answers = [enrol(server, "p0")]
        until(lambda: answers.append(enrol(server, f"p{len(answers)}")) or _last(answers), str)
        assert answers[-1].status_code in (503, 507)
        assert server.extract().status_code == 200
        assert best(server) > 0.99


def _last(answers: list[httpx.Response]) -> bool:
    return answers[-1].status_code != httpx.codes.CREATED


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
