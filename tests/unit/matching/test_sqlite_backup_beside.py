"""Backups have what lies beside the galleries, and a restore does not turn it back."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from ood_face.matching.sqlite import SqliteGalleryStore, create_backup, restore_backup
from tests.fakes.templates import gallery_info

BESIDE = ("access.sqlite", "audit.sqlite", "review.sqlite")


@pytest.fixture
def folder(tmp_path):
    """Return a data folder with a gallery, and with a word in each database beside it."""
    folder = tmp_path / "data"
    store = SqliteGalleryStore(folder)
    store.create(gallery_info())
    store.close()
    for name in BESIDE:
        with closing(sqlite3.connect(folder / name)) as database:
            database.execute("CREATE TABLE word (word)")
    say(folder, "old")
    return folder


def say(folder, word):
    for name in BESIDE:
        with closing(sqlite3.connect(folder / name)) as database, database:
            database.execute("DELETE FROM word")
            database.execute("INSERT INTO word VALUES (?)", (word,))


def words(folder):
    found = []
    for name in BESIDE:
        with closing(sqlite3.connect(folder / name)) as database:
            found += database.execute("SELECT word FROM word").fetchone()
    return found


def test_where_nothing_is_there_everything_is_put_back(folder, tmp_path):
    made = create_backup(folder, tmp_path / "b.zip")
    report = restore_backup(tmp_path / "b.zip", tmp_path / "new")

    assert report.databases == made.databases == ("galleries.sqlite", *BESIDE)
    assert report.kept == ()
    assert words(tmp_path / "new") == ["old"] * 3


def test_what_is_there_beside_the_galleries_stays(folder, tmp_path):
    create_backup(folder, tmp_path / "b.zip")
    say(folder, "new")

    report = restore_backup(tmp_path / "b.zip", folder, replace=True)

    assert (report.databases, report.kept) == (("galleries.sqlite",), BESIDE)
    assert words(folder) == ["new"] * 3


def test_keys_without_galleries_are_no_reason_to_refuse(folder, tmp_path):
    create_backup(folder, tmp_path / "b.zip")
    (folder / "galleries.sqlite").unlink()

    report = restore_backup(tmp_path / "b.zip", folder)

    assert (report.galleries, report.moved_aside, report.kept) == (1, None, BESIDE)
