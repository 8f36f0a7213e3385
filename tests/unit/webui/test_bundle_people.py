"""Whom pictures show, by their folders or names."""

from __future__ import annotations

import pytest

from webui.bundle import BundledFile
from webui.bundle_people import by_person


def persons(grouping, *names: str) -> list[str | None]:
    files = [BundledFile(name, bytes) for name in names]
    return [picture.person for picture in by_person(files, grouping)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["anna/1.jpg", "bob/1.jpg"], ["anna", "bob"]),
        (["people/anna/1.jpg", "people/bob/1.jpg"], ["anna", "bob"]),
        (["people/anna/old/1.jpg", "people/bob/1.jpg"], ["anna", "bob"]),
        (["people/anna/1.jpg", "people/lost.jpg"], ["anna", None]),
        (["anna/1.jpg", "anna/2.jpg"], ["anna", "anna"]),
        (["lost.jpg"], [None]),
        ([], []),
    ],
)
def test_a_folder_is_a_person(names, found):
    assert persons("folders", *names) == found


def test_a_files_name_is_a_person():
    assert persons("names", "anna.jpg", "team/bob.v2.png") == ["anna", "bob.v2"]


@pytest.mark.parametrize(
    ("folder", "subject_id"),
    [
        ("Anna Schmidt", "Anna_Schmidt"),
        ("王芳", "王芳"),
        ("e-1001@x.org", "e-1001@x.org"),
        ("O'Neil (2)", "O_Neil_2_"),
        ("x" * 200, "x" * 128),
        ("Zoe\u0308", "Zo\u00eb"),
    ],
)
def test_a_full_name_becomes_an_id(folder, subject_id):
    (picture,) = by_person([BundledFile(f"{folder}/1.jpg", bytes)], "folders")
    assert picture.subject_id == subject_id
