"""Backups: all databases of a data folder in one file, made while the service runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ood_face.errors import StorageCorruptError, StorageError
from ood_face.matching.sqlite.archive import Archive, Manifest, damaged, write_archive
from ood_face.matching.sqlite.layout import DATABASE, DATABASES, INDEX_FOLDER, LOCK, RESTORING
from ood_face.matching.sqlite.schema import MIGRATIONS
from ood_face.storage import (
    FolderLock,
    corrupt,
    file_errors,
    sqlite_errors,
    sync_folder,
    write_atomically,
)

__all__ = ["BackupReport", "create_backup", "restore_backup"]

_BUSY_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup has.

    Attributes
    ----------
    file : the backup
    created_at : UTC
    program : version of ood_face that made it
    galleries, subjects, templates : how many there are
    databases : names of the databases in it
    size_bytes : of the file
    moved_aside : folder that what was there before was moved to; None: there was nothing
    kept : databases of the folder that a restore left as they are
    """

    file: Path
    created_at: datetime
    program: str
    galleries: int
    subjects: int
    templates: int
    databases: tuple[str, ...]
    size_bytes: int
    moved_aside: Path | None = None
    kept: tuple[str, ...] = ()


def create_backup(folder: Path, file: Path) -> BackupReport:
    """Write all that a data folder holds into one file; the service may go on meanwhile.

    Each database is taken as it is at one moment. Indexes are left out: they can be made again.

    Parameters
    ----------
    folder : the data folder
    file : the backup; nothing may be there yet. Its folder needs twice the room for a moment

    Raises
    ------
    StorageCorruptError
        A database is damaged.
    StorageError
        There is nothing to back up, the file exists, or it cannot be written; StorageFullError:
        the disk is full.
    """
    if file.exists():
        raise StorageError("backup.exists", "{file} exists already", file=str(file))
    present = [name for name in DATABASES if (folder / name).exists()]
    if not present:
        raise StorageError(
            "backup.nothing", "{folder} has no galleries and no keys", folder=str(folder)
        )
    created = datetime.now(UTC)
    with file_errors(file):
        scratch = Path(tempfile.mkdtemp(dir=file.parent, prefix=f".{file.name}."))
    try:
        sources = {name: (scratch / name, _copy(folder / name, scratch / name)) for name in present}
        counts = _counts(scratch / DATABASE)
        told = Manifest(version("ood-face"), created.isoformat(), *counts, members={})
        with write_atomically(file) as temporary:
            write_archive(temporary, sources, told)
    finally:
        shutil.rmtree(scratch)
    return _report(file, told, present)


def restore_backup(file: Path, folder: Path, replace: bool = False) -> BackupReport:
    """Put the databases of a backup into a data folder; no process may serve it meanwhile.

    Keys and the audit log are restored only where there are none: a key that was revoked stays
    revoked, and what was noted stays noted.

    Parameters
    ----------
    file : the backup; it is checked completely before anything is changed
    folder : the data folder
    replace : galleries that are there are moved aside, into a folder beside them

    Raises
    ------
    StorageCorruptError
        The file is no backup, is damaged, was edited, or comes from a newer program.
    StorageLockedError
        A process serves the folder; names that process.
    StorageError
        There are galleries, and they are not to be replaced; or something cannot be written.
    InputError
        There is no such file, or it cannot be read.
    """
    archive = Archive(file)
    with closing(archive), closing(FolderLock(folder / LOCK)):
        members = list(archive.manifest.members)
        names = [name for name in members if name == DATABASE or not (folder / name).exists()]
        if (folder / DATABASE).exists() and DATABASE in names and not replace:
            raise StorageError(
                "backup.occupied",
                "{folder} has galleries already; with --replace they are moved aside",
                folder=str(folder),
            )
        with file_errors(folder):
            scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".restore-"))
        try:
            for name in members:
                archive.extract(name, scratch / name)
                _check(file, scratch / name, archive.manifest.members[name].schema)
            aside = _exchange(folder, scratch, names)
        finally:
            shutil.rmtree(scratch)
    kept = tuple(name for name in members if name not in names)
    return replace_fields(_report(file, archive.manifest, names), moved_aside=aside, kept=kept)


def _copy(source: Path, target: Path) -> int:
    # a sound, compact copy as of now; returns its schema
    address = f"{source.absolute().as_uri()}?mode=rw"
    with sqlite_errors(source):
        connection = sqlite3.connect(
            address, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None
        )
        with closing(connection):
            connection.execute("VACUUM INTO ?", (str(target),))
    return _checked(target, source)


def _checked(database: Path, called: Path) -> int:
    # the schema of a database; raises StorageCorruptError, under another name, unless it is sound
    with sqlite_errors(called), closing(sqlite3.connect(database)) as connection:
        (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if problem != "ok":
        raise corrupt(called, problem)
    return int(schema)


def _check(file: Path, database: Path, told: int) -> None:
    try:
        schema = _checked(database, database)
    except StorageCorruptError as exc:
        raise damaged(file, str(exc)) from exc
    if schema != told:
        raise damaged(file, f"{database.name} is not of the version that its manifest says")
    if database.name == DATABASE and schema > len(MIGRATIONS):
        raise StorageCorruptError(
            "backup.newer",
            "{file} has galleries of version {version}, and this program knows up to {known}: it "
            "was made by a newer one; nothing was changed",
            file=str(file),
            version=schema,
            known=len(MIGRATIONS),
        )


def _counts(database: Path) -> tuple[int, int, int]:
    if not database.exists():
        return 0, 0, 0
    with sqlite_errors(database), closing(sqlite3.connect(database)) as connection:
        galleries, subjects, templates = connection.execute(
            "SELECT (SELECT count(*) FROM galleries WHERE name IS NOT NULL), "
            "(SELECT count(*) FROM subjects JOIN galleries USING (gallery) "
            "WHERE galleries.name IS NOT NULL), "
            "(SELECT count(*) FROM templates JOIN galleries USING (gallery) "
            "WHERE name IS NOT NULL)"
        ).fetchone()
    return galleries, subjects, templates


def _exchange(folder: Path, scratch: Path, names: list[str]) -> Path | None:
    # new databases for old ones; a store refuses the folder while this is half done
    old = [
        path
        for name in names
        for path in (folder / name, folder / f"{name}-wal", folder / f"{name}-shm")
        if path.exists()
    ]
    aside = None
    with file_errors(folder):
        (folder / RESTORING).touch(mode=0o600)
        sync_folder(folder)
        if old:
            aside = folder / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
            aside.mkdir(mode=0o700)
            for path in old:
                path.rename(aside / path.name)
            sync_folder(aside)
        if DATABASE in names:
            shutil.rmtree(folder / INDEX_FOLDER, ignore_errors=True)
        for name in names:
            _flush(scratch / name)
            (scratch / name).rename(folder / name)
        sync_folder(folder)
        (folder / RESTORING).unlink()
        sync_folder(folder)
    return aside


def _flush(path: Path) -> None:
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _report(file: Path, told: Manifest, databases: list[str]) -> BackupReport:
    with file_errors(file):
        size = file.stat().st_size
    return BackupReport(
        file=file,
        created_at=datetime.fromisoformat(told.created),
        program=told.program,
        galleries=told.galleries,
        subjects=told.subjects,
        templates=told.templates,
        databases=tuple(databases),
        size_bytes=size,
    )
