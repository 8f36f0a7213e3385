"""A zip that came from a browser: what is in it, checked before anything is unpacked."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["UNREADABLE_ZIP", "damaged", "is_zip", "open_zip", "shown_name"]

# what zipfile raises where an archive is damaged, packed in an unknown way, or encrypted
UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
_SIGNATURE = b"PK\x03\x04"
# pictures are packed already and hardly shrink; a small one of a single colour may shrink a lot
_MAX_RATIO = 100
_RATIO_COUNTS_FROM = 2**20
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
# the record at the end, and its counterpart of large archives, which zipfile prefers
_END, _END_SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LOCATOR, _LOCATOR_SIGNATURE = struct.Struct("<4sLQL"), b"PK\x06\x07"
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 2**16
# of the list of members, for each file that may be in it: names, and the folders around them
_LIST_BYTES_EACH = 1024


def is_zip(file: Path) -> bool:
    """Whether a file begins as a zip does."""
    with file.open("rb") as stream:
        return stream.read(len(_SIGNATURE)) == _SIGNATURE


def open_zip(file: Path, name: str, max_files: int, max_bytes: int) -> zipfile.ZipFile:
    """Open a zip whose list of members is safe to read and whose members are safe to unpack.

    Parameters
    ----------
    file : where it lies
    name : what its owner calls it, for errors
    max_files : members at most
    max_bytes : of all members together, unpacked

    Raises
    ------
    InputError
        It is damaged, encrypted, holds a link, or would unpack to more than is allowed.
    """
    if _list_bytes(file) > max_files * _LIST_BYTES_EACH:
        raise _too_many(name, max_files)
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE_ZIP as exc:
        raise damaged(name) from exc
    try:
        _check(archive.infolist(), name, max_files, max_bytes)
    except InputError:
        archive.close()
        raise
    return archive


def damaged(name: str) -> InputError:
    """Return the error of an archive that cannot be read."""
    return InputError(
        "bundle.zip", "{file} cannot be unpacked: it is damaged or protected", file=name
    )


def shown_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; of old archives, in the encoding it was most likely written in."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    written = member.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _list_bytes(file: Path) -> int:
    # zipfile reads the list of members as a whole, however long it says it is
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(-min(size, _LONGEST_COMMENT + _END.size), 2)
        start, tail = stream.tell(), stream.read()
        plain = tail[-_END.size :]
        found = len(tail) - _END.size
        if plain[:4] != _END_SIGNATURE or plain[-2:] != b"\0\0":
            found = tail.rfind(_END_SIGNATURE)
        if found < 0 or len(tail) - found < _END.size:
            return 0  # no zip: zipfile says so
        (_, _, _, _, _, length, _, _) = _END.unpack_from(tail, found)
        end = start + found
        if end < _LOCATOR.size + _END_64.size:
            return int(length)
        stream.seek(end - _LOCATOR.size)
        if stream.read(4) != _LOCATOR_SIGNATURE:
            return int(length)
        stream.seek(end - _LOCATOR.size - _END_64.size)
        return max(int(length), int(_END_64.unpack(stream.read(_END_64.size))[8]))


def _check(members: Sequence[zipfile.ZipInfo], name: str, max_files: int, max_bytes: int) -> None:
    if not all(member.filename for member in members):
        # zipfile itself trips over these
        raise damaged(name)
    files = [member for member in members if not member.is_dir()]
    if len(files) > max_files:
        raise _too_many(name, max_files)
    total = sum(member.file_size for member in files)
    if total > max_bytes or any(map(_is_bomb, files)):
        raise InputError(
            "bundle.zip_size",
            "{file} would unpack to {size} MiB or more, the limit is {limit} MiB",
            file=name,
            size=total // 2**20,
            limit=max_bytes // 2**20,
        )
    for member in files:
        if member.flag_bits & _ENCRYPTED:
            raise damaged(name)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(
                "bundle.zip_link",
                "{file} holds a link ({member}) instead of a picture; pack the picture itself",
                file=name,
                member=shown_name(member)[:200],
            )


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    large = member.file_size > _RATIO_COUNTS_FROM
    return large and member.file_size > _MAX_RATIO * max(member.compress_size, 1)


def _too_many(name: str, max_files: int) -> InputError:
    return InputError(
        "bundle.zip_files", "{file} holds more than {limit} files", file=name, limit=max_files
    )
