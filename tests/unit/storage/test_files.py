"""Files that are there as a whole or not at all; a folder that has one owner."""

from __future__ import annotations

import os

import pytest

from ood_face.errors import StorageError, StorageLockedError
from ood_face.storage import FolderLock, write_atomically


def test_a_file_takes_its_place_when_it_is_complete(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    with write_atomically(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"

    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert target.stat().st_mode & 0o077 == 0


def test_a_file_that_could_not_be_completed_leaves_the_old_one(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail():
        with write_atomically(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    file = write_atomically(tmp_path / "none" / "file")

    with pytest.raises(StorageError, match="nothing was changed"), file:
        pass


def test_a_folder_has_one_owner_at_a_time(tmp_path):
    path = tmp_path / "folder" / "lock"
    first = FolderLock(path)

    with pytest.raises(StorageLockedError, match=f"process {os.getpid()};"):
        FolderLock(path)

    first.close()
    FolderLock(path).close()


def test_a_lock_that_a_longer_number_was_written_into_names_the_owner(tmp_path):
    path = tmp_path / "lock"
    path.write_text("99999999999\n")
    lock = FolderLock(path)

    assert path.read_text() == f"{os.getpid()}\n"
    lock.close()


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "lock").mkdir()

    with pytest.raises(StorageError, match="lock"):
        FolderLock(tmp_path / "lock")


def test_what_a_killed_writer_left_is_swept_and_what_a_younger_one_writes_stays(tmp_path):
    path = tmp_path / "policies.json"
    old, young, other = (
        tmp_path / name
        for name in (".policies.json.a.part", ".policies.json.b.part", ".keys.json.a.part")
    )
    for left in (old, young, other):
        left.write_text("half")
    for left in (old, other):
        os.utime(left, (0, 0))

    with write_atomically(path) as temporary:
        temporary.write_text("whole")

    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [path.name, young.name, other.name]
    )
