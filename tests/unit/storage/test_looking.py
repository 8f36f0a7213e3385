from __future__ import annotations

from contextlib import closing

import pytest

from ood_face.errors import StorageCorruptError, StorageError
from ood_face.storage import Database, is_whole, looking

MIGRATIONS = ("CREATE TABLE number (value INTEGER NOT NULL)",)


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def count(path) -> int:
    with looking(path, 1) as connection:
        return connection.execute("SELECT count(*) FROM number").fetchone()[0]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a file?#.sqlite"  # what an address would take for something else
    with closing(Database(path, MIGRATIONS)) as database, database.writing() as connection:
        connection.executemany("INSERT INTO number VALUES (?)", [(i,) for i in range(100_000)])
    return path


def test_a_closed_database_is_read_and_nothing_is_made_beside_it(path, tmp_path):
    assert count(path) == 100_000
    assert is_whole(path, 1, limit_s=60)
    assert names(tmp_path) == {path.name}


def test_what_another_writes_meanwhile_is_seen(path):
    with closing(Database(path, MIGRATIONS)) as database:
        with database.writing() as connection:
            connection.execute("INSERT INTO number VALUES (-1)")
        assert count(path) == 100_001


def test_nothing_can_be_written(path):
    with pytest.raises(StorageError, match="readonly"), looking(path, 1) as connection:
        connection.execute("DELETE FROM number")
    assert count(path) == 100_000


def test_a_database_of_a_newer_program_is_refused(path):
    with pytest.raises(StorageCorruptError) as refused, looking(path, 0):
        pass
    assert refused.value.key == "storage.newer"


def test_a_file_that_is_not_there_or_no_database_is_told(tmp_path):
    with pytest.raises(StorageError), looking(tmp_path / "none", 1):
        pass
    assert names(tmp_path) == set()
    (tmp_path / "text").write_bytes(b"no database at all " * 100)
    with pytest.raises(StorageCorruptError):
        is_whole(tmp_path / "text", 1, limit_s=60)


def test_a_damaged_database_is_told(path):
    content = bytearray(path.read_bytes())
    content[4096 * 8 : 4096 * 9] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(StorageCorruptError):
        is_whole(path, 1, limit_s=60)


def test_reading_ends_when_time_is_up(path):
    assert not is_whole(path, 1, limit_s=0)
