"""Backups whose checksums are right and whose content is not: refused before anything changes."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile

import pytest

from ood_face.errors import InputError, StorageCorruptError
from ood_face.matching.sqlite import restore_backup


def forged(folder, database, schema=1, compression=zipfile.ZIP_STORED):
    """Write a backup around a database."""
    content = database.read_bytes()
    member = {
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "schema": schema,
    }
    manifest = {
        "format": 1,
        "program": "0",
        "created": "2026-01-01T00:00:00+00:00",
        **dict.fromkeys(("galleries", "subjects", "templates"), 0),
        "members": {"galleries.sqlite": member},
    }
    file = folder / "forged.zip"
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("galleries.sqlite", content)
    return file


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "some.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.executemany("INSERT INTO things VALUES (?)", [("x" * 100,)] * 500)
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    return path


def refused(tmp_path, file):
    """Restore, and return the sentence of the refusal."""
    with pytest.raises(StorageCorruptError) as refusal:
        restore_backup(file, tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").glob("*")] in ([], ["galleries.lock"])
    return str(refusal.value)


def test_what_is_no_database_is_refused(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"no database at all" * 100)

    assert "is damaged" in refused(tmp_path, forged(tmp_path, other))


def test_a_damaged_database_is_refused(tmp_path, database):
    data = bytearray(database.read_bytes())
    data[3 * 4096 : 5 * 4096] = b"\xa5" * 2 * 4096
    database.write_bytes(data)

    assert "is damaged" in refused(tmp_path, forged(tmp_path, database))


def test_a_database_of_another_version_than_the_manifest_says_is_refused(tmp_path, database):
    assert "not of the version" in refused(tmp_path, forged(tmp_path, database, schema=2))


def test_a_backup_of_a_newer_program_is_refused(tmp_path, database):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    sentence = refused(tmp_path, forged(tmp_path, database, schema=99))

    assert "version 99" in sentence
    assert "nothing was changed" in sentence


def test_an_archive_of_another_program_is_refused(tmp_path, database):
    file = forged(tmp_path, database, compression=zipfile.ZIP_DEFLATED)

    assert "not written by this program" in refused(tmp_path, file)


def test_a_backup_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.zip cannot be read"):
        restore_backup(tmp_path / "none.zip", tmp_path / "data")
