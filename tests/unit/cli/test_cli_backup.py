from __future__ import annotations

import json
import os

import pytest

from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile
from tests.fakes.templates import gallery_info, template


@pytest.fixture
def data(run, monkeypatch):
    """Return a data folder with one gallery of one subject."""
    folder = run.folder / "data"
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(folder))
    enrol(folder, "ann")
    return folder


def enrol(folder, subject_id):
    store = SqliteGalleryStore(folder)
    try:
        names = [info.name for info in store.galleries()]
        gallery = store.open("staff") if names else store.create(gallery_info("staff"))
        gallery.create_subject(subject_id, Profile(), [template(len(subject_id))])
    finally:
        store.close()


def ids_in(folder):
    store = SqliteGalleryStore(folder)
    try:
        return [subject.subject_id for subject in store.open("staff").subjects(None, 10)]
    finally:
        store.close()


def test_what_was_backed_up_comes_back(run, data):
    result = run("backup", "b.zip")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(
        "b.zip has galleries.sqlite: galleries 1, subjects 1, templates 1; "
    )
    enrol(data, "ben")
    result = run("restore", "b.zip")
    assert (result.exit_code, ids_in(data)) == (10, ["ann", "ben"])
    result = run("restore", "b.zip", "--replace")
    assert result.exit_code == 0, result.stderr
    assert ids_in(data) == ["ann"]
    first, second = result.stdout.splitlines()
    assert first.endswith("galleries 1, subjects 1, templates 1.")
    (aside,) = data.glob("before-restore-*")
    assert str(aside) in second
    assert ids_in(aside) == ["ann", "ben"]


def test_a_backup_is_made_while_a_process_serves_the_folder_and_restored_only_after(run, data):
    store = SqliteGalleryStore(data)
    try:
        assert run("backup", "b.zip").exit_code == 0
        result = run("restore", "b.zip", "--replace")
        assert (result.exit_code, f"process {os.getpid()}" in result.stderr) == (9, True)
    finally:
        store.close()
    assert run("restore", "b.zip", "--replace").exit_code == 0


def test_backup_and_restore_as_json(run, data, monkeypatch):
    made = json.loads(run("backup", "b.zip", "--json").stdout)
    assert (made["file"], made["galleries"], made["subjects"]) == ("b.zip", 1, 1)
    assert made["size_bytes"] == (run.folder / "b.zip").stat().st_size
    restored = json.loads(run("restore", "b.zip", "--replace", "--json").stdout)
    assert restored["moved_aside"].startswith(str(data))
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(run.folder / "new"))
    restored = json.loads(run("restore", "b.zip", "--json").stdout)
    assert (restored["moved_aside"], restored["created_at"]) == (None, made["created_at"])
    assert ids_in(run.folder / "new") == ["ann"]


@pytest.mark.usefixtures("data")
def test_galleries_in_milvus_are_said_to_be_left_out(run, monkeypatch):
    monkeypatch.setenv("OOD_FACE_MILVUS_URI", "http://127.0.0.1:1")
    result = run("backup", "b.zip", "--json")
    assert result.exit_code == 0
    assert "The galleries in Milvus are not in this file" in result.stderr
    assert json.loads(result.stdout)["file"] == "b.zip"


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("backup", "there.zip"), 10, "there.zip exists already"),
        (("backup", "no/folder.zip"), 9, "no/folder.zip cannot be used"),
        (("restore", "none.zip"), 7, "the backup none.zip cannot be read: No such file"),
        (("restore", "."), 7, "the backup . cannot be read: Is a directory"),
        (("restore", "there.zip", "--replace"), 9, "there.zip is no backup, or a damaged one"),
    ],
    ids=str,
)
def test_errors_are_one_line_and_a_code(run, arguments, code, words):
    (run.folder / "there.zip").write_text("hello", "utf-8")
    result = run(*arguments)
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, result.stdout, words in line) == (code, "", True)
    assert (run.folder / "there.zip").read_text("utf-8") == "hello"


def test_there_is_nothing_to_back_up_in_an_empty_folder(run, monkeypatch):
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(run.folder / "none"))
    result = run("backup", "b.zip", "--lang", "zh")
    assert (result.exit_code, "没有图库" in result.stderr) == (9, True)
    assert list(run.folder.iterdir()) == []
