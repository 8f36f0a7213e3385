"""Pictures that come in slices: put together, kept apart, limited, erased."""

from __future__ import annotations

import base64
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ood_face.errors import BusyError, ImageTooLargeError, InputError
from tests.fakes.clock import FakeClock
from webui.bundles import Bundles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIB = 1024
ID = "0" * 32


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def bundles(folder, clock) -> Iterator[Bundles]:
    with closing(Bundles(folder, 100 * KIB, 20 * KIB, clock.seconds)) as bundles:
        yield bundles


def part(number: int, name: str, data: bytes, offset: int = 0) -> dict[str, object]:
    encoded = base64.b64encode(data).decode()
    return {"file": number, "name": name, "offset": offset, "data": encoded}


def slice_of(*parts: dict[str, object], last: bool = True, bundle: str = ID) -> dict[str, object]:
    return {"bundle": bundle, "last": last, "parts": list(parts)}


def test_a_zip_that_is_none_is_refused_by_its_name(bundles):
    bundles.add("a", slice_of(part(0, "staff.ZIP", b"PK? no")))

    with pytest.raises(InputError, match=r"staff\.ZIP cannot be unpacked"):
        bundles.look("a", ID).files()


def test_slices_are_put_together(bundles):
    first = bundles.add(
        "a", slice_of(part(0, "anna/1.jpg", b"one"), part(1, "bob/1.jpg", b"tw"), last=False)
    )
    second = bundles.add("a", slice_of(part(1, "bob/1.jpg", b"o!", offset=2)))

    assert (first.complete, second.complete) == (False, True)
    assert (second.files, second.size_bytes) == (2, 7)
    files = bundles.look("a", ID).files()
    assert [(file.name, file.read()) for file in files] == [
        ("anna/1.jpg", b"one"), ("bob/1.jpg", b"two!"),
    ]  # fmt: skip


def test_only_the_owner_can_read_what_is_kept(bundles, folder):
    bundles.add("a", slice_of(part(0, "x.jpg", b"data")))

    (kept,) = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # never a name that came from outside
    assert [path.name for path in kept.iterdir()] == ["0000"]


def test_another_visitor_has_nothing_of_it(bundles):
    bundles.add("a", slice_of(part(0, "x.jpg", b"data")))

    for ask in (bundles.look, bundles.take):
        with pytest.raises(InputError) as caught:
            ask("b", ID)
        assert caught.value.key == "bundle.gone"
    bundles.drop("b", ID)
    assert bundles.look("a", ID).names == ["x.jpg"]


def test_a_bundle_that_is_not_complete_cannot_be_taken(bundles):
    bundles.add("a", slice_of(part(0, "x.jpg", b"data"), last=False))

    with pytest.raises(InputError):
        bundles.take("a", ID)


def test_a_bundle_is_taken_once_and_erased_when_it_is_closed(bundles, folder):
    bundles.add("a", slice_of(part(0, "x.jpg", b"data")))
    taken = bundles.take("a", ID)
    with pytest.raises(InputError):
        bundles.take("a", ID)
    assert list(folder.iterdir())

    taken.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("how", ["forget", "sweep", "close", "drop"])
def test_what_is_not_wanted_any_more_is_erased(bundles, folder, clock, how):
    bundles.add("a", slice_of(part(0, "x.jpg", b"data")))
    clock.advance(seconds=900)
    ends = {
        "forget": lambda: bundles.forget("a"),
        "sweep": bundles.sweep,
        "close": bundles.close,
        "drop": lambda: bundles.drop("a", ID),
    }
    ends[how]()

    assert [path for path in folder.rglob("*") if path.is_file()] == []
    with pytest.raises(InputError):
        bundles.look("a", ID)


def test_what_an_earlier_server_left_is_erased(bundles, folder):
    left = folder / "old" / "0000"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"face")
    bundles.close()

    assert not left.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "text",
        {"bundle": ID, "last": True},
        slice_of(bundle="../../etc"),
        slice_of(bundle="0" * 31),
        slice_of({"file": 0, "name": "x", "offset": 0, "data": "no base64!"}),
        slice_of({"file": 0, "name": "x", "offset": 0, "data": "Zoë="}),
        slice_of({"file": "0", "name": "x", "offset": 0, "data": ""}),
        slice_of(part(1, "x.jpg", b"second first")),
        slice_of(part(-1, "x.jpg", b"before the first")),
        slice_of(part(0, "x.jpg", b"a hole", offset=3)),
        slice_of(part(0, "x.jpg", b"abc"), part(0, "x.jpg", b"c", offset=2)),
    ],
)
def test_a_slice_of_another_form_or_out_of_turn_is_refused_and_leaves_nothing(
    bundles, folder, wrong
):
    with pytest.raises(InputError) as caught:
        bundles.add("a", wrong)
    assert caught.value.key == "bundle.form"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "name", ["../x.jpg", "a/../../x", "/etc/x", "C:\\x", "", "a\0b", "x" * 401]
)
def test_a_name_that_leaves_its_folder_is_refused(bundles, name):
    with pytest.raises(InputError) as caught:
        bundles.add("a", slice_of(part(0, name, b"data")))
    assert caught.value.key == "bundle.name"


def test_too_much_is_refused_and_erased(bundles, folder):
    for i in range(10):
        bundles.add("a", slice_of(part(i, f"{i}.jpg", bytes(10 * KIB)), last=False))
    with pytest.raises(InputError) as caught:
        bundles.add("a", slice_of(part(10, "10.jpg", b"more")))
    assert caught.value.key == "bundle.bytes"
    assert list(folder.iterdir()) == []


def test_too_many_pictures_are_refused(bundles):
    bundles.add("a", slice_of(*[part(i, f"{i}.jpg", b"") for i in range(2000)], last=False))

    with pytest.raises(InputError) as caught:
        bundles.add("a", slice_of(part(2000, "more.jpg", b"")))
    assert caught.value.key == "bundle.files"


def test_a_file_larger_than_a_picture_is_refused_when_it_is_read(bundles):
    bundles.add("a", slice_of(part(0, "huge.jpg", bytes(21 * KIB))))
    (huge,) = bundles.look("a", ID).files()

    with pytest.raises(ImageTooLargeError) as caught:
        huge.read()
    assert caught.value.values["file"] == "huge.jpg"


def test_bundles_of_one_visitor_are_limited(bundles):
    for letter in "bc":
        bundles.add("a", slice_of(bundle=letter * 32))

    with pytest.raises(BusyError):
        bundles.add("a", slice_of(bundle="d" * 32))
