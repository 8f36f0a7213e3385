"""What the tab Search asks: which galleries there are, who is in them, who is in a picture."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ood_face.config import Settings
from ood_face.errors import ImageDecodeError, MultipleFacesError, NoFaceError
from ood_face.types import LOCAL, EnrolmentRequest, IdentifyVerdict, Picture, Profile
from tests.fakes import fake_gallery_service, fake_service, picture, png
from webui.search_outcomes import (
    PAGE_SUBJECTS,
    find_people,
    identify_picture,
    look_at_shelf,
)
from webui.uploads import Limits

if TYPE_CHECKING:
    from ood_face.service import GalleryService

LIMITS = Limits.of(Settings(), max_files=1)
ANNA = picture(60, colour=(250, 200, 150))


def sent(image) -> list[dict[str, str]]:
    return [{"name": "a.png", "data": base64.b64encode(png(image)).decode()}]


@pytest.fixture
def galleries() -> GalleryService:
    galleries = fake_gallery_service()
    galleries.create_gallery("staff")
    return galleries


def add(galleries, subject_id: str, name: str | None = None, image=None) -> None:
    pictures = () if image is None else (Picture(image, "0" * 64),)
    profile = None if name is None else Profile(name)
    galleries.enroll("staff", EnrolmentRequest(subject_id, pictures, profile))


def identify(galleries, payload):
    return identify_picture(fake_service(), galleries, LIMITS, ("staff", payload), LOCAL)


def ids(people) -> list[str]:
    return [subject.subject_id for subject in people.subjects]


def test_without_galleries_nothing_is_chosen():
    shelf = look_at_shelf(fake_gallery_service(), "staff", may_admin=True)

    assert (shelf.names, shelf.chosen, shelf.may_admin) == ((), None, True)


@pytest.mark.parametrize(("wanted", "chosen"), [("guests", "guests"), (None, "a"), ("gone", "a")])
def test_the_wanted_gallery_is_chosen_or_else_the_first(galleries, wanted, chosen):
    for name in ("guests", "a"):
        galleries.create_gallery(name)
    shelf = look_at_shelf(galleries, wanted, may_admin=False)

    assert shelf.names == ("a", "guests", "staff")
    assert shelf.chosen == chosen


def test_the_chosen_gallery_is_counted(galleries):
    add(galleries, "anna", image=ANNA)
    counts = look_at_shelf(galleries, "staff", may_admin=False).counts

    assert (counts.subjects, counts.templates) == (1, 1)


def test_a_picture_of_somebody_enrolled_is_recognised_and_outlined(galleries):
    add(galleries, "anna", "Anna", ANNA)
    outcome = identify(galleries, sent(ANNA))

    assert outcome.problem is None
    assert outcome.found.verdict is IdentifyVerdict.IDENTIFIED
    assert outcome.found.candidates[0].name == "Anna"
    assert [face["chosen"] for face in outcome.marks.for_picker()["faces"]] == [True]


def test_without_a_picture_there_is_neither_answer_nor_problem(galleries):
    outcome = identify(galleries, None)

    assert (outcome.found, outcome.problem) == (None, None)


def test_of_several_faces_all_are_outlined(galleries):
    outcome = identify(galleries, sent(picture(60, 58)))

    assert isinstance(outcome.problem.error, MultipleFacesError)
    assert len(outcome.marks.faces) == 2


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (sent(np.zeros((48, 80, 3), np.uint8)), NoFaceError),
        ([{"name": "b.jpg", "data": base64.b64encode(b"no picture").decode()}], ImageDecodeError),
        ("nonsense", ImageDecodeError),
    ],
)
def test_a_bad_picture_is_a_problem_and_no_crash(galleries, payload, error):
    assert isinstance(identify(galleries, payload).problem.error, error)


def test_people_come_in_pages_forth_and_back(galleries):
    for number in range(PAGE_SUBJECTS + 3):
        add(galleries, f"p{number:02d}")
    first = find_people(galleries, "staff", "", ())
    second = find_people(galleries, "staff", "", (first.subjects[-1].subject_id,))

    assert (len(first.subjects), first.more) == (PAGE_SUBJECTS, True)
    assert (ids(second), second.more) == (["p20", "p21", "p22"], False)
    assert second.all_sought


def test_a_full_last_page_has_no_next_one(galleries):
    for number in range(PAGE_SUBJECTS):
        add(galleries, f"p{number:02d}")

    assert not find_people(galleries, "staff", "", ()).more


@pytest.mark.parametrize("query", ["schmidt", "SCHMIDT", "  chmi ", "e-17"])
def test_people_are_found_by_a_part_of_name_or_id(galleries, query):
    add(galleries, "e-17", "Anna Schmidt")
    add(galleries, "e-18", "Bob")

    assert ids(find_people(galleries, "staff", query, ())) == ["e-17"]


def test_a_search_of_names_looks_beyond_the_first_page(galleries):
    for number in range(PAGE_SUBJECTS * 3):
        add(galleries, f"p{number:02d}")
    add(galleries, "z", "Zoe")

    assert ids(find_people(galleries, "staff", "zoe", ())) == ["z"]


def test_a_search_of_names_ends_somewhere_and_says_so(galleries):
    for number in range(7):
        add(galleries, f"p{number}", "Anna")

    found = find_people(galleries, "staff", "nobody", (), most=5)
    assert (ids(found), found.all_sought) == ([], False)
