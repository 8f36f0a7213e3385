"""What the real server writes is for its owner alone, whatever the umask it was started with."""

from __future__ import annotations

import os
import stat

import httpx
import pytest

from tests.faults.live_server import PICTURES, LiveServer

GENEROUS = ("sh", "-c", 'umask 000; exec "$@"', "sh")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = LiveServer(tmp_path_factory.mktemp("server"), prefix=GENEROUS, review_crops="true")
    try:
        server.wait_ready()
        yield server
    finally:
        server.end()


def test_files_and_folders_of_the_data_folder_are_for_their_owner_alone(server):
    with httpx.Client(base_url=server.address, timeout=60) as client:
        made = client.post("/v1/galleries", json={"name": "staff", "keep_crops": True})
        picture = (PICTURES / "obama_1.jpg").read_bytes()
        enrolled = client.post(
            "/v1/galleries/staff/subjects",
            files={"image": ("../../../evil.jpg", picture), "subject_id": (None, "e-1")},
        )
    assert (made.status_code, enrolled.status_code) == (201, 201)

    modes = {server.data_dir: server.data_dir.stat().st_mode}
    modes |= {path: path.stat().st_mode for path in server.data_dir.rglob("*")}
    assert {"galleries.sqlite", "audit.sqlite", "access.sqlite"} <= {path.name for path in modes}
    open_to_others = {
        str(path): stat.filemode(mode) for path, mode in modes.items() if stat.S_IMODE(mode) & 0o077
    }
    assert open_to_others == {}
    assert not [path for path in modes if "evil" in path.name]


def test_the_log_says_so_where_it_runs_as_root_and_only_there(server):
    assert ("runs as root" in server.said()) is (os.geteuid() == 0)
