"""Files that came from a browser, in a folder of their own; zips are looked into, not unpacked."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ood_face.errors import ImageTooLargeError, InputError, StorageFullError
from webui.bundle_zip import UNREADABLE_ZIP, damaged, is_zip, open_zip, shown_name

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["MAX_BUNDLE_FILES", "Bundle", "BundledFile", "disk_full", "out_of_turn"]

MAX_BUNDLE_FILES = 2000
_LONGEST_NAME = 400
# written by file managers beside the pictures
_NOT_MEANT = frozenset({"__macosx", "desktop.ini", "thumbs.db"})
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file of a bundle.

    Attributes
    ----------
    name : with its folders, separated by /, as its owner has it: ``anna/1.jpg``
    read : returns its bytes; InputError where they cannot be had, or are more than a picture has
    """

    name: str
    read: Callable[[], bytes]


class Bundle:
    """Files in a folder of their own; closing it erases them.

    Parameters
    ----------
    folder : where the files lie, by number
    max_bytes : of all files together, also unpacked
    max_picture_bytes : of one file that is read

    Attributes
    ----------
    names : of the files, in their order
    size_bytes : of all that came
    """

    def __init__(self, folder: Path, max_bytes: int, max_picture_bytes: int) -> None:
        self._folder = folder
        self._max_bytes, self._max_picture_bytes = max_bytes, max_picture_bytes
        self.names: list[str] = []
        self.size_bytes = 0
        self._archives: list[zipfile.ZipFile] = []
        self._files: list[BundledFile] | None = None

    def append(self, number: int, name: str, offset: int, data: bytes) -> None:
        """Add the next bytes, of the last file or of a new one.

        Raises
        ------
        InputError
            They are not the next ones, the name is not allowed, or there is too much of them.
        StorageFullError
            The disk is full.
        """
        if self.size_bytes + len(data) > self._max_bytes:
            raise InputError(
                "bundle.bytes",
                "the pictures have more than {limit} MiB together; send them in several parts",
                limit=self._max_bytes // 2**20,
            )
        file = self._file(number)
        if number == len(self.names) < MAX_BUNDLE_FILES and offset == 0:
            self.names.append(_checked(name))
        elif number == MAX_BUNDLE_FILES:
            raise _too_many_files()
        elif number < 0 or number != len(self.names) - 1 or offset != _size(file):
            raise out_of_turn()
        try:
            with file.open("ab") as stream:
                stream.write(data)
        except OSError as exc:
            raise disk_full(exc) from exc
        self.size_bytes += len(data)

    def files(self) -> list[BundledFile]:
        """Return the files by name, those in zips instead of the zips.

        What file managers add is left out.

        Raises
        ------
        InputError
            A zip is damaged or not safe to unpack, or there are too many files.
        """
        if self._files is not None:
            return self._files
        found: list[BundledFile] = []
        left = self._max_bytes
        for number, name in enumerate(self.names):
            file = self._file(number)
            if not is_zip(file):
                if name.lower().endswith(".zip"):
                    raise damaged(name)
                found.append(BundledFile(name, partial(self._read, file, name)))
                continue
            archive = open_zip(file, name, MAX_BUNDLE_FILES, left)
            self._archives.append(archive)
            for member in archive.infolist():
                left -= member.file_size
                if not member.is_dir():
                    inside = _checked(shown_name(member))
                    read = partial(self._unpack, archive, member, inside)
                    found.append(BundledFile(inside, read))
        if len(found) > MAX_BUNDLE_FILES:
            raise _too_many_files()
        meant = [one for one in found if _is_meant(one.name)]
        self._files = sorted(meant, key=lambda one: one.name)
        return self._files

    def close(self) -> None:
        """Erase the files."""
        for archive in self._archives:
            archive.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:04d}"

    def _read(self, file: Path, name: str) -> bytes:
        self._check_size(name, file.stat().st_size)
        return file.read_bytes()

    def _unpack(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
        self._check_size(name, member.file_size)
        try:
            return archive.read(member)
        except UNREADABLE_ZIP as exc:
            raise damaged(name) from exc

    def _check_size(self, name: str, size: int) -> None:
        if size > self._max_picture_bytes:
            raise ImageTooLargeError(
                "bundle.picture_bytes",
                "{file} has {size} MiB, the limit of one picture is {limit} MiB",
                file=name,
                size=f"{size / 2**20:.1f}",
                limit=f"{self._max_picture_bytes / 2**20:g}",
            )


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def out_of_turn() -> InputError:
    """Return the error of bytes that are no part of a bundle, or not the next one."""
    return InputError(
        "bundle.form", "the browser sent the pictures incompletely; choose them again"
    )


def disk_full(error: OSError) -> StorageFullError:
    """Return the error of a disk that takes no more."""
    return StorageFullError(
        "bundle.disk",
        "the pictures cannot be kept while they are read: {problem}",
        problem=error.strerror or str(error),
    )


def _checked(name: str) -> str:
    # nothing is ever written under this name; one that climbs out of its folder is still no
    # picture's
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    climbs = ".." in parts or name[:1] in ("/", "\\") or _DRIVE.match(name) is not None
    if not parts or climbs or len(name) > _LONGEST_NAME or "\0" in name:
        raise InputError(
            "bundle.name",
            "{file} is no name of a picture in a folder, or has more than {limit} characters",
            file=ascii(name[:100]),
            limit=_LONGEST_NAME,
        )
    return "/".join(parts).encode("utf-8", "replace").decode()


def _is_meant(name: str) -> bool:
    return not any(part[0] == "." or part.lower() in _NOT_MEANT for part in name.split("/"))


def _too_many_files() -> InputError:
    return InputError(
        "bundle.files",
        "there are more than {limit} pictures; send them in several parts",
        limit=MAX_BUNDLE_FILES,
    )
