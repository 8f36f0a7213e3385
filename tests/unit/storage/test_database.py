"""SQLite files: durable, of a known version, with clear errors."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from ood_face.errors import BusyError, StorageCorruptError, StorageError
from ood_face.storage import Database

FIRST = "CREATE TABLE things (name TEXT PRIMARY KEY);\nINSERT INTO things VALUES ('one');\n"
SECOND = "CREATE TABLE parts (name TEXT REFERENCES things (name));\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file.sqlite"


@pytest.fixture
def database(path):
    opened = Database(path, [FIRST, SECOND])
    yield opened
    opened.close()


def names(database):
    with database.reading() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]


def test_migrations_run_once_each_and_in_order(path):
    first = Database(path, [FIRST])
    assert names(first) == ["one"]
    first.close()

    for _ in range(2):
        second = Database(path, [FIRST, SECOND])
        with second.reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
            assert connection.execute("SELECT count(*) FROM parts").fetchone() == (0,)
        second.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path):
    Database(path, [FIRST]).close()

    with pytest.raises(StorageError, match="no_such_table"):
        Database(path, [FIRST, "CREATE TABLE x (y);\nINSERT INTO no_such_table VALUES (1);\n"])

    database = Database(path, [FIRST])
    with database.reading() as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'x'")
        assert tables.fetchone() == (0,)
    database.close()


def test_a_file_of_a_newer_program_is_refused(path):
    Database(path, [FIRST, SECOND]).close()

    with pytest.raises(StorageCorruptError, match=r"version 2.*up to 1"):
        Database(path, [FIRST])


def test_what_is_written_is_there_as_a_whole_or_not_at_all(database):
    def fail():
        with database.writing() as connection:
            connection.execute("INSERT INTO things VALUES ('two')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(database) == ["one"]

    with database.writing() as connection:
        connection.execute("INSERT INTO things VALUES ('three')")
    assert names(database) == ["one", "three"]


def test_rows_refer_to_rows_that_are_there(database):
    with pytest.raises(StorageError, match="FOREIGN KEY"), database.writing() as connection:
        connection.execute("INSERT INTO parts VALUES ('nothing')")


def test_a_reader_sees_one_state_throughout(database):
    with database.reading() as connection:
        before = connection.execute("SELECT count(*) FROM things").fetchone()
        with database.writing() as writer:
            writer.execute("INSERT INTO things VALUES ('two')")
        after = connection.execute("SELECT count(*) FROM things").fetchone()

    assert before == after == (1,)
    assert names(database) == ["one", "two"]


def test_a_settled_file_has_everything_and_holds_off_writers(database, path):
    with database.writing() as connection:
        connection.execute("INSERT INTO things VALUES ('a-thing-to-be-found')")
    written = threading.Event()

    def write():
        with database.writing() as connection:
            connection.execute("INSERT INTO things VALUES ('later')")
        written.set()

    with database.settled() as settled:
        assert settled
        thread = threading.Thread(target=write)
        thread.start()
        assert not written.wait(0.05)
        assert b"a-thing-to-be-found" in path.read_bytes()
        assert path.with_name("file.sqlite-wal").stat().st_size == 0
    thread.join()
    assert written.is_set()


def test_a_log_that_is_read_cannot_be_emptied(database, path):
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM things").fetchall()
    with database.writing() as connection:
        connection.execute("INSERT INTO things VALUES ('two')")

    assert not database.scrub()
    reader.close()
    assert database.scrub()


def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)

    with pytest.raises(StorageCorruptError, match=r"file\.sqlite is damaged.*ood-face restore"):
        Database(path, [FIRST])


def test_a_check_finds_rows_that_refer_to_nothing(database, path):
    database.check()
    other = sqlite3.connect(path)
    other.execute("INSERT INTO parts VALUES ('nothing')")
    other.commit()
    other.close()

    with pytest.raises(StorageCorruptError, match="a row of parts refers to a row of things"):
        database.check()


def test_a_compacted_file_is_smaller(database, path):
    with database.writing() as connection:
        connection.executemany("INSERT INTO things VALUES (?)", [("x" * n,) for n in range(2000)])
    with database.writing() as connection:
        connection.execute("DELETE FROM things WHERE name <> 'one'")
    assert database.scrub()
    before = path.stat().st_size

    database.compact()

    assert path.stat().st_size < before / 10
    assert names(database) == ["one"]


def test_a_closed_database_says_so(path):
    database = Database(path, [FIRST])
    database.close()
    database.close()

    for use in (database.reading, database.writing):
        with pytest.raises(StorageError, match=r"file\.sqlite was closed"), use():
            pass
    for act in (database.scrub, database.check, database.compact):
        with pytest.raises(StorageError, match=r"file\.sqlite was closed"):
            act()


def test_who_reads_while_it_is_closed_may_finish(path):
    database = Database(path, [FIRST])
    with database.reading() as connection:
        database.close()
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (1,)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_another_process_that_writes_for_long_is_reported(database, path):
    # what sqlite3 raises after its timeout, at once
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write_too():
        with database.reading() as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")

    with pytest.raises(BusyError, match="try again"):
        write_too()
    other.close()


def test_a_new_file_has_the_pages_that_were_asked_for_and_is_private(tmp_path):
    database = Database(tmp_path / "file.sqlite", [FIRST], page_size=8192)
    with database.reading() as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (8192,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    rights = {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    database.close()

    assert rights == {0}


@pytest.mark.parametrize("cache_kib", [64, 2000])
def test_a_connection_holds_no_more_in_memory_than_it_may(tmp_path, cache_kib):
    database = Database(tmp_path / "file.sqlite", [FIRST, SECOND], cache_kib=cache_kib)
    with database.writing() as writer, database.reading() as reader:
        for connection in (writer, reader):
            assert connection.execute("PRAGMA cache_size").fetchone() == (-cache_kib,)
    database.close()
