"""Backups of a data folder: online, in one file, checked before anything is changed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ood_face.errors import StorageCorruptError, StorageError, StorageLockedError
from ood_face.matching.sqlite import SqliteGalleryStore, create_backup, restore_backup
from ood_face.types import GalleryCounts, Profile
from tests.fakes.templates import feature, gallery_info, template

ROOT = Path(__file__).resolve().parents[3]
# what another process does while this one serves the folder
BACK_UP = """
import sys
from pathlib import Path
from ood_face.matching.sqlite import create_backup
print(create_backup(Path(sys.argv[1]), Path(sys.argv[2])).subjects)
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    store = SqliteGalleryStore(folder)
    gallery = store.create(gallery_info(keep_crops=True))
    for number in range(20):
        gallery.create_subject(f"p{number}", Profile(f"P{number}"), [template(number)])
    gallery.search(feature(1)[None], 1)
    store.close()
    keys = sqlite3.connect(folder / "access.sqlite")
    keys.executescript("CREATE TABLE keys (name TEXT); INSERT INTO keys VALUES ('gate')")
    keys.close()
    return folder


@pytest.fixture
def backup(folder, tmp_path):
    file = tmp_path / "backup.zip"
    create_backup(folder, file)
    return file


def content(folder):
    store = SqliteGalleryStore(folder)
    gallery = store.open("staff")
    found = gallery.enrolled([subject.subject_id for subject in gallery.subjects(None, 10_000)])
    hits = gallery.search(np.stack([feature(number) for number in range(5)]), 1)
    store.close()
    return [(one.subject, one.features.tobytes()) for one in found], hits


def rewritten(backup, change):
    """Return a copy of a backup whose files were changed by a function of their dictionary."""
    with zipfile.ZipFile(backup) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    edited = backup.with_name("edited.zip")
    with zipfile.ZipFile(edited, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return edited


def test_a_backup_says_what_it_has(folder, tmp_path):
    report = create_backup(folder, tmp_path / "backup.zip")

    assert (report.galleries, report.subjects, report.templates) == (1, 20, 20)
    assert report.databases == ("galleries.sqlite", "access.sqlite")
    assert report.size_bytes == report.file.stat().st_size
    assert report.file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "data"]


def test_a_restored_folder_has_what_was_backed_up(folder, backup, tmp_path):
    before = content(folder)
    elsewhere = tmp_path / "elsewhere"

    report = restore_backup(backup, elsewhere)

    assert content(elsewhere) == before
    assert report.moved_aside is None
    assert (report.subjects, report.databases) == (20, ("galleries.sqlite", "access.sqlite"))
    keys = sqlite3.connect(elsewhere / "access.sqlite")
    assert keys.execute("SELECT name FROM keys").fetchall() == [("gate",)]
    keys.close()


def test_a_backup_is_made_while_another_process_serves_and_writes(folder, tmp_path):
    file = tmp_path / "backup.zip"
    store = SqliteGalleryStore(folder)
    gallery = store.open("staff")
    with subprocess.Popen(
        [sys.executable, "-c", BACK_UP, str(folder), str(file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        number = 20
        while process.poll() is None:
            gallery.create_subject(f"p{number}", Profile(), [template(number)])
            number += 1
        assert process.returncode == 0
        counted = int(process.stdout.read())
    store.close()

    restore_backup(file, tmp_path / "elsewhere")

    assert 20 <= counted <= number
    subjects, hits = content(tmp_path / "elsewhere")
    assert {subject.subject_id for subject, _ in subjects} == {f"p{n}" for n in range(counted)}
    assert [found[0].subject_id for found in hits] == [f"p{n}" for n in range(5)]


def test_what_was_deleted_is_in_no_later_backup(folder, tmp_path):
    store = SqliteGalleryStore(folder)
    store.open("staff").delete_subject("p7")
    store.close()

    create_backup(folder, tmp_path / "backup.zip")

    assert feature(7).tobytes()[:64] not in (tmp_path / "backup.zip").read_bytes()
    assert feature(8).tobytes()[:64] in (tmp_path / "backup.zip").read_bytes()


def test_a_restore_replaces_nothing_unless_told(folder, backup):
    store = SqliteGalleryStore(folder)
    store.open("staff").delete_subject("p0")
    store.close()

    with pytest.raises(StorageError, match="has galleries already; with --replace"):
        restore_backup(backup, folder)
    assert len(content(folder)[0]) == 19

    report = restore_backup(backup, folder, replace=True)

    assert len(content(folder)[0]) == 20
    assert report.moved_aside.parent == folder
    shutil.copytree(report.moved_aside, folder.parent / "aside")
    assert len(content(folder.parent / "aside")[0]) == 19


def test_the_index_of_the_old_state_is_not_used(folder, backup):
    store = SqliteGalleryStore(folder)
    gallery = store.open("staff")
    gallery.create_subject("later", Profile(), [template(99)])
    gallery.search(feature(1)[None], 1)
    store.close()
    assert list((folder / "index").iterdir()) != []

    restore_backup(backup, folder, replace=True)

    assert not (folder / "index").exists()
    store = SqliteGalleryStore(folder)
    gallery = store.open("staff")
    assert gallery.search(feature(99)[None], 1)[0][0].similarity < 0.5
    assert gallery.counts() == GalleryCounts(20, 20)
    store.close()


def test_a_folder_that_is_served_cannot_be_restored(folder, backup):
    store = SqliteGalleryStore(folder)

    with pytest.raises(StorageLockedError, match="process"):
        restore_backup(backup, folder, replace=True)

    assert store.open("staff").counts().subjects == 20
    store.close()


def test_a_file_that_is_there_is_not_overwritten(folder, backup):
    before = backup.read_bytes()

    with pytest.raises(StorageError, match=r"backup\.zip exists"):
        create_backup(folder, backup)

    assert backup.read_bytes() == before


def test_a_folder_without_anything_cannot_be_backed_up(tmp_path):
    with pytest.raises(StorageError, match="no galleries and no keys"):
        create_backup(tmp_path / "nothing", tmp_path / "backup.zip")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_backup_is_refused(backup, tmp_path, share):
    cut = tmp_path / "cut.zip"
    data = backup.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(StorageCorruptError, match=r"cut\.zip is no backup"):
        restore_backup(cut, tmp_path / "elsewhere")

    assert not (tmp_path / "elsewhere" / "galleries.sqlite").exists()


def test_a_byte_that_changed_is_noticed(backup, tmp_path):
    damaged = tmp_path / "damaged.zip"
    data = backup.read_bytes()
    rng = np.random.default_rng(3)
    for place in rng.integers(0, len(data), 30).tolist():
        damaged.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            restore_backup(damaged, tmp_path / f"at-{place}")
        except StorageError:
            assert not (tmp_path / f"at-{place}" / "galleries.sqlite").exists()
        else:
            # a byte that means nothing, such as a time of the archive
            assert len(content(tmp_path / f"at-{place}")[0]) == 20


def edit(**fields):
    def change(files):
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | fields).encode()

    return change


def swap_database(files):
    files["galleries.sqlite"] = files["galleries.sqlite"].replace(b"P7", b"Q7")


EDITS = {
    "database": swap_database,
    "more": lambda files: files.update({"../evil": b"x"}),
    "less": lambda files: files.pop("access.sqlite"),
    "no manifest": lambda files: files.pop("manifest.json"),
    "no json": lambda files: files.update({"manifest.json": b"[1"}),
    "list": lambda files: files.update({"manifest.json": b"[1]"}),
    "format": edit(format=2),
    "field": edit(subjects_too=1),
    "time": edit(created="yesterday"),
    "members": edit(members={"galleries.sqlite": 3}),
    "name": edit(members={"../evil": {"size_bytes": 1, "sha256": "", "schema": 1}}),
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_an_edited_backup_is_refused(backup, tmp_path, change):
    edited = rewritten(backup, change)

    with pytest.raises(StorageCorruptError, match=r"edited\.zip is no backup"):
        restore_backup(edited, tmp_path / "elsewhere")

    assert [path.name for path in (tmp_path / "elsewhere").glob("*")] in ([], ["galleries.lock"])


def test_a_damaged_database_is_not_backed_up(folder, tmp_path):
    path = folder / "galleries.sqlite"
    data = bytearray(path.read_bytes())
    data[8192:40960] = b"\xa5" * (40960 - 8192)
    path.write_bytes(data)

    with pytest.raises(
        StorageCorruptError, match=r"galleries\.sqlite is damaged.*ood-face restore"
    ):
        create_backup(folder, tmp_path / "backup.zip")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_interrupted_restore_is_not_served(folder, backup):
    (folder / "restoring").touch()

    with pytest.raises(StorageCorruptError, match="ood-face restore --replace"):
        SqliteGalleryStore(folder)

    restore_backup(backup, folder, replace=True)
    assert len(content(folder)[0]) == 20
