"""Zips of pictures: looked into, and refused where unpacking them would not be safe."""

from __future__ import annotations

import base64
import io
import stat
import struct
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ood_face.errors import InputError
from webui.bundles import Bundles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIB = 1024
ID = "0" * 32


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def bundles(folder) -> Iterator[Bundles]:
    with closing(Bundles(folder, 100 * KIB, 100 * KIB)) as bundles:
        yield bundles


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def send(bundles: Bundles, *archives: bytes) -> None:
    parts = [
        {"file": i, "name": f"{i}.zip", "offset": 0, "data": base64.b64encode(data).decode()}
        for i, data in enumerate(archives)
    ]
    bundles.add("a", {"bundle": ID, "last": True, "parts": parts})


def sent_zip(bundles: Bundles, data: bytes) -> list[str]:
    send(bundles, data)
    return [file.name for file in bundles.look("a", ID).files()]


def key_of_refused_zip(bundles: Bundles, data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        sent_zip(bundles, data)
    return caught.value.key


def test_what_file_managers_add_is_left_out(bundles):
    names = sent_zip(
        bundles,
        zipped(
            **{"p/a/1.jpg": b"1", "__MACOSX/p/._1.jpg": b"", "p/.DS_Store": b"", "Thumbs.db": b""}
        ),
    )

    assert names == ["p/a/1.jpg"]


def test_members_of_a_zip_are_read_as_they_were_packed(bundles):
    sent_zip(bundles, zipped(**{"p/": b"", "p/安娜/1.jpg": b"one"}))

    (file,) = bundles.look("a", ID).files()
    assert (file.name, file.read()) == ("p/安娜/1.jpg", b"one")


def test_names_of_old_chinese_archives_are_readable(bundles):
    # packed without the mark of UTF-8, as the file manager of a Chinese Windows does
    data = zipped(**{"pq/1.jpg": b"one"}).replace(b"pq/1", "张".encode("gb18030") + b"/1")

    assert sent_zip(bundles, data) == ["张/1.jpg"]


def test_a_zip_that_is_damaged_is_refused(bundles):
    assert key_of_refused_zip(bundles, zipped(a=b"one")[:-8]) == "bundle.zip"


def test_a_member_that_is_damaged_is_refused_when_it_is_read(bundles):
    data = bytearray(zipped(a=b"one" * 100))
    data[33] ^= 0xFF
    sent_zip(bundles, bytes(data))
    (file,) = bundles.look("a", ID).files()

    with pytest.raises(InputError) as caught:
        file.read()
    assert caught.value.key == "bundle.zip"


def test_a_protected_zip_is_refused(bundles):
    data = zipped(a=b"one")
    listed = data.index(b"PK\x01\x02")
    protected = data[: listed + 8] + b"\x01" + data[listed + 9 :]

    assert key_of_refused_zip(bundles, protected) == "bundle.zip"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_a_member_that_leaves_the_archive_is_refused(bundles, name):
    assert key_of_refused_zip(bundles, zipped(**{name: b"x"})) == "bundle.name"


def test_a_link_in_a_zip_is_refused(bundles):
    info = zipfile.ZipInfo("link.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")

    assert key_of_refused_zip(bundles, buffer.getvalue()) == "bundle.zip_link"


def test_a_zip_that_would_unpack_to_too_much_is_refused(bundles):
    assert key_of_refused_zip(bundles, zipped(a=bytes(101 * KIB))) == "bundle.zip_size"


def test_two_zips_together_may_not_unpack_to_too_much(bundles):
    half = zipped(a=bytes(60 * KIB))
    send(bundles, half, half)

    with pytest.raises(InputError) as caught:
        bundles.look("a", ID).files()
    assert caught.value.key == "bundle.zip_size"


def test_a_zip_that_shrinks_too_well_is_a_bomb(folder):
    with closing(Bundles(folder, 2**30, 2**30)) as roomy:
        assert key_of_refused_zip(roomy, zipped(a=bytes(2 * 2**20))) == "bundle.zip_size"


def test_a_zip_of_too_many_files_is_refused(folder):
    many = zipped(**{f"{i}.jpg": b"" for i in range(2001)})

    with closing(Bundles(folder, 2**30, 2**30)) as roomy:
        assert key_of_refused_zip(roomy, many) == "bundle.zip_files"


def test_a_zip_whose_list_of_files_is_huge_is_not_even_opened(bundles):
    # says that its list has 100 MB; zipfile would read all of it at once
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 10**8, 0, 0)

    assert key_of_refused_zip(bundles, b"PK\x03\x04" + bytes(100) + end) == "bundle.zip_files"


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_that_are_damaged_are_refused_however_they_are_packed(bundles, kind):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        archive.writestr("a.jpg", bytes(range(256)) * 20)
    data = bytearray(buffer.getvalue())
    # behind the local header, in what is packed
    data[39:60] = b"\xff" * 21
    send(bundles, bytes(data))
    (file,) = bundles.look("a", ID).files()

    with pytest.raises(InputError, match="cannot be unpacked"):
        file.read()


def test_a_member_without_a_name_makes_an_archive_a_damaged_one(bundles):
    data = zipped(**{"x.jpg": b"1", "y.jpg": b"2"}).replace(b"x.jpg", b"\0.jpg")

    assert key_of_refused_zip(bundles, data) == "bundle.zip"
