"""Galleries under faults: killed, no space, no rights, damaged files, a second process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from ood_face.errors import StorageCorruptError, StorageError, StorageLockedError
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import GalleryCounts, Profile
from tests.fakes.templates import feature, gallery_info, template

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "build" / "faults"
ROUNDS = 200
# a mount of one's own: root, or a system that lets everybody have a namespace
OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
MOUNT = 'mount -t tmpfs -o size=6m tmpfs "$0"'


def run_module(*arguments, through=()):
    """Run a module of this folder and return the JSON it prints."""
    done = subprocess.run(
        [*through, sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def note(name, result):
    LOG.mkdir(parents=True, exist_ok=True)
    (LOG / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{name}: {json.dumps(result)}")


def may_mount(folder):
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*OWN_DISK, MOUNT, folder], capture_output=True, check=False)
    return tried.returncode == 0


def made(folder, count=50):
    """Make a store with so many subjects, its index saved, and close it."""
    store = SqliteGalleryStore(folder)
    gallery = store.create(gallery_info())
    for number in range(count):
        gallery.create_subject(f"p{number}", Profile(), [template(number)])
    gallery.search(feature(0)[None], 1)
    store.close()


def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path):
    seed = int(time.time())  # another one each time; the log has it

    result = run_module("tests.integration.killed_store", tmp_path / "data", ROUNDS, seed)

    note("killed_store", {"seed": seed, **result})
    assert result["rounds"] == ROUNDS
    assert result["acknowledged"] > ROUNDS
    assert result["begun"] > result["acknowledged"], "no operation was ever interrupted"
    assert result["acknowledged deletions"] > 0
    assert result["losses"] == []


def test_a_full_disk_changes_nothing_and_is_gone_with_the_first_free_bytes(tmp_path):
    # where no disk can be mounted, a limit on the size of files does what every process may do
    if not may_mount(tmp_path):
        kind, name = "limit", "StorageError"
        result = run_module("tests.integration.bad_disk", kind, tmp_path)
    else:
        kind, name = "fill", "StorageFullError"
        through = [*OWN_DISK, f'{MOUNT} && exec "$@"', str(tmp_path)]
        result = run_module("tests.integration.bad_disk", kind, tmp_path, through=through)

    note("full_disk", {"kind": kind, **result})
    count = result["enrolled"]
    assert result["error"][0] == name
    assert "galleries.sqlite" in result["error"][1]
    assert result["error"][1].endswith("nothing was changed")
    assert 10 < count < 5000
    state = {"subjects": count, "templates": count, "found": count, "best": f"p{count - 1}"}
    assert result["failed"] == state | {"refused is found": False}
    # one more was enrolled since, and one deleted
    assert result["again"] == state | {"refused is found": False}


def test_a_limit_on_files_changes_nothing_either(tmp_path):
    result = run_module("tests.integration.bad_disk", "limit", tmp_path)

    assert result["error"][0] in ("StorageError", "StorageFullError")
    assert result["failed"]["found"] == result["enrolled"] == result["again"]["subjects"]
    assert not result["failed"]["refused is found"]


def test_a_folder_that_cannot_be_written_is_a_clear_error():
    with tempfile.TemporaryDirectory() as name:
        # the rights of what lies above are not to decide
        Path(name).chmod(0o755)
        result = run_module("tests.integration.bad_disk", "forbidden", name)

    assert result["error"][0] == "StorageError"
    assert str(Path(name) / "data") in result["error"][1]


def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path):
    (tmp_path / "data").write_text("")

    with pytest.raises(StorageError, match="data"):
        SqliteGalleryStore(tmp_path / "data")


DAMAGES = {
    "empty": lambda data: data[:0],
    "cut": lambda data: data[: len(data) // 2],
    "noise": lambda data: os.urandom(len(data)),
    "a bit": lambda data: data[:-700] + bytes([data[-700] ^ 1]) + data[-699:],
    "header": lambda data: b"x" + data[1:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_index_is_made_again(tmp_path, caplog, damage):
    made(tmp_path)
    (file,) = (tmp_path / "index").iterdir()
    file.write_bytes(damage(file.read_bytes()))

    store = SqliteGalleryStore(tmp_path)
    hits = store.open("staff").search(np.stack([feature(n) for n in range(50)]), 1)
    store.close()

    assert [found[0].subject_id for found in hits] == [f"p{number}" for number in range(50)]
    assert "cannot be used" in caplog.text
    caplog.clear()
    store = SqliteGalleryStore(tmp_path)
    assert store.open("staff").search(feature(7)[None], 1)[0][0].subject_id == "p7"
    store.close()
    assert "cannot be used" not in caplog.text


def test_an_index_that_is_missing_or_old_is_caught_up(tmp_path):
    made(tmp_path)
    (file,) = (tmp_path / "index").iterdir()
    old = file.read_bytes()
    store = SqliteGalleryStore(tmp_path)
    gallery = store.open("staff")
    gallery.delete_subject("p3")
    gallery.create_subject("new", Profile(), [template(100)])
    store.close()
    file.write_bytes(old)

    for _ in range(2):
        store = SqliteGalleryStore(tmp_path)
        hits = store.open("staff").search(np.stack([feature(3), feature(100)]), 100)
        store.close()
        assert [len(found) for found in hits] == [50, 50]
        assert "p3" not in [hit.subject_id for hit in hits[0]]
        assert hits[1][0].subject_id == "new"
        file.unlink()


def test_an_index_of_another_gallery_is_not_used(tmp_path):
    made(tmp_path)
    store = SqliteGalleryStore(tmp_path)
    other = store.create(gallery_info("other"))
    other.create_subject("eve", Profile(), [template(99)])
    other.search(feature(99)[None], 1)
    store.close()
    first, second = sorted((tmp_path / "index").iterdir())
    second.write_bytes(first.read_bytes())

    store = SqliteGalleryStore(tmp_path)
    (hits,) = store.open("other").search(feature(99)[None], 10)
    store.close()

    assert [hit.subject_id for hit in hits] == ["eve"]


@pytest.mark.parametrize("pages", [slice(0, 1), slice(1, 60)])
def test_a_damaged_database_is_refused_and_the_backup_named(tmp_path, pages):
    made(tmp_path)
    path = tmp_path / "galleries.sqlite"
    data = bytearray(path.read_bytes())
    start, end = pages.start * 8192, min(pages.stop * 8192, len(data))
    data[start:end] = b"\xa5" * (end - start)
    path.write_bytes(data)
    shutil.rmtree(tmp_path / "index")

    def use():
        store = SqliteGalleryStore(tmp_path)
        try:
            store.open("staff").subjects(None, 100)
        finally:
            store.close()

    with pytest.raises(
        StorageCorruptError, match=r"galleries\.sqlite is damaged.*ood-face restore"
    ):
        use()


def test_a_check_finds_damage_that_nobody_has_met(tmp_path):
    made(tmp_path)
    store = SqliteGalleryStore(tmp_path)
    store.check()
    store.close()
    path = tmp_path / "galleries.sqlite"
    data = bytearray(path.read_bytes())
    # the cells of some page in the middle are said to lie elsewhere
    data[20 * 8192 + 8 : 20 * 8192 + 14] = b"\x1f\xff" * 3
    path.write_bytes(data)

    store = SqliteGalleryStore(tmp_path)
    with pytest.raises(StorageCorruptError, match="damaged"):
        store.check()
    store.close()


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path):
    made(tmp_path)
    code = (
        "import sys; from pathlib import Path; "
        "from ood_face.matching.sqlite import SqliteGalleryStore; "
        "store = SqliteGalleryStore(Path(sys.argv[1])); print('open', flush=True); "
        "sys.stdin.read(); store.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout.readline() == "open\n"
        with pytest.raises(StorageLockedError, match=f"process {first.pid};"):
            SqliteGalleryStore(tmp_path)
        first.communicate("")

    store = SqliteGalleryStore(tmp_path)
    assert store.open("staff").counts() == GalleryCounts(50, 50)
    store.close()
