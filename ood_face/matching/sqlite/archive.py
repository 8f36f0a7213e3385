"""The file of a backup: a ZIP archive of databases, with a manifest that vouches for them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING

from ood_face.errors import InputError, StorageCorruptError
from ood_face.matching.sqlite.layout import DATABASES
from ood_face.storage import file_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FORMAT", "Archive", "Manifest", "Member", "damaged", "write_archive"]

FORMAT = 1
_MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 2**16
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One database in a backup.

    Attributes
    ----------
    size_bytes, sha256 : of the file
    schema : its ``user_version``
    """

    size_bytes: int
    sha256: str
    schema: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes
    ----------
    program : version of ood_face that made it
    created : ISO time, UTC
    galleries, subjects, templates : how many there are
    members : the databases by name
    """

    program: str
    created: str
    galleries: int
    subjects: int
    templates: int
    members: Mapping[str, Member]


def damaged(file: Path, problem: str) -> StorageCorruptError:
    """Return the error of a file that is no sound backup."""
    return StorageCorruptError(
        "backup.damaged",
        "{file} is no backup, or a damaged one: {problem}; nothing was changed",
        file=str(file),
        problem=problem,
    )


def write_archive(target: Path, sources: Mapping[str, tuple[Path, int]], told: Manifest) -> None:
    """Write a backup.

    Parameters
    ----------
    target : the file
    sources : file and schema of each database, by name
    told : all of the manifest but the members
    """
    members = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, (source, schema) in sources.items():
            with source.open("rb") as stream, archive.open(name, "w", force_zip64=True) as out:
                members[name] = asdict(Member(*_copy(stream, out), schema))
        text = json.dumps({"format": FORMAT, **asdict(told), "members": members}, indent=1)
        archive.writestr(_MANIFEST, text)


class Archive:
    """A backup that is read.

    Parameters
    ----------
    file : the backup

    Raises
    ------
    StorageCorruptError
        It is none, or is damaged, or of a newer format.
    InputError
        It is not there, or cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            stream = file.open("rb")
        except OSError as exc:
            raise InputError(
                "backup.unreadable",
                "the backup {file} cannot be read: {problem}",
                file=str(file),
                problem=exc.strerror or type(exc).__name__,
            ) from exc
        try:
            self._archive = zipfile.ZipFile(stream)
            self.manifest = self._read_manifest()
        # zipfile's own: NotImplementedError of a packing, RuntimeError of an encryption, that it
        # does not know
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as exc:
            stream.close()
            raise damaged(file, str(exc)) from exc
        except BaseException:
            stream.close()
            raise
        self._stream = stream

    def close(self) -> None:
        """Close the file."""
        self._archive.close()
        self._stream.close()

    def extract(self, name: str, target: Path) -> None:
        """Write a database to a file, and see whether it is the one of the manifest.

        Raises
        ------
        StorageCorruptError
            It is not.
        """
        member = self.manifest.members[name]
        try:
            with file_errors(target), self._archive.open(name) as source, target.open("wb") as out:
                found = _copy(source, out)
        except (zipfile.BadZipFile, EOFError) as exc:
            raise damaged(self._file, str(exc)) from exc
        if found != (member.size_bytes, member.sha256):
            raise damaged(self._file, f"{name} is not the file that its manifest describes")

    def _read_manifest(self) -> Manifest:
        # nothing but what we write ourselves: no compression, no encryption, no other names
        infos = {info.filename: info for info in self._archive.infolist()}
        plain = all(
            info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
            for info in infos.values()
        )
        if not plain or len(infos) != len(self._archive.infolist()):
            raise damaged(self._file, "it was not written by this program")
        if _MANIFEST not in infos or infos[_MANIFEST].file_size > _MAX_MANIFEST_BYTES:
            raise damaged(self._file, "it has no manifest")
        manifest = _parsed(self._file, self._archive.read(_MANIFEST))
        if set(infos) - {_MANIFEST} != set(manifest.members):
            raise damaged(self._file, "it does not have the files that its manifest names")
        return manifest


def _parsed(file: Path, content: bytes) -> Manifest:
    try:
        fields = json.loads(content)
        version = fields.pop("format")
        if version != FORMAT:
            raise damaged(file, f"it is of format {version}, and this program knows {FORMAT}")
        members = {name: Member(**member) for name, member in fields.pop("members").items()}
        manifest = Manifest(members=members, **fields)
        datetime.fromisoformat(manifest.created)
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise damaged(file, "its manifest cannot be read") from exc
    if not members or not set(members) <= set(DATABASES):
        raise damaged(file, "its manifest names files that are not of this program")
    return manifest


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[int, str]:
    # size and sha256 of what was copied
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        target.write(chunk)
    return size, digest.hexdigest()
