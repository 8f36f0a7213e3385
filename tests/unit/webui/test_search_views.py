"""The tab Search in words: both languages, every state, nothing from outside unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ood_face.errors import (
    ForbiddenError,
    MultipleFacesError,
    NoFaceError,
    StorageFullError,
)
from ood_face.messages import LANGUAGES, identity_name
from ood_face.types import (
    Candidate,
    DetectedFace,
    Explanation,
    FaceTemplate,
    GalleryCounts,
    GalleryInfo,
    Identification,
    IdentifyVerdict,
    Profile,
    Reason,
    Scenario,
    Subject,
    TemplateRecord,
    UncertaintyLevel,
    UncertaintyPart,
    UncertaintySource,
)
from webui.catalogue import texts
from webui.outcomes import Problem
from webui.search_outcomes import IdentifyOutcome, People, Shelf
from webui.views.search import no_galleries_view, shelf_view
from webui.views.search_found import found_view
from webui.views.search_people import people_view

EN = texts("en")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
INFO = GalleryInfo("staff", "m-1", "default", 5, False, NOW, 1)
SHELF = Shelf(("guests", "staff"), INFO, GalleryCounts(1234, 1), may_admin=True)
EVIL = "<img src=x onerror=alert(1)>"
FACE = DetectedFace(np.array([1, 2, 31, 42], np.float32), 0.99, np.ones((5, 2), np.float32))
PROBE = FaceTemplate(np.eye(1, 512, dtype=np.float32)[0], 0.7, "m-1", FACE)
ANNA = Candidate("e-17", "Anna", 0.62, 0.6, 1, 0.9, 0.97, (0.95, 0.98))
BOB = Candidate("e-18", None, 0.1, 0.1, 2, None)


def found(verdict: IdentifyVerdict, *candidates: Candidate) -> IdentifyOutcome:
    reason = Reason("identify.empty")
    return IdentifyOutcome(
        Identification(PROBE, verdict, (reason,), candidates, 0.52, "staff", Scenario("default"))
    )


def record(number: int, score: float | None = 0.9) -> TemplateRecord:
    return TemplateRecord(number, score, "m-1", "0" * 64, NOW)


def subject(subject_id: str, name: str | None, *records: TemplateRecord) -> Subject:
    return Subject(subject_id, Profile(name), records, NOW, 7)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", list(IdentifyVerdict))
def test_every_answer_is_said_in_words_with_all_candidates(verdict, language):
    words = texts(language)
    html = found_view(found(verdict, ANNA, BOB), False, words)

    if verdict is IdentifyVerdict.IDENTIFIED:
        assert words("identify.this_is", name="Anna") in html
    else:
        assert identity_name(verdict, language) in html
    assert html.count('<li class="candidate') == 2
    assert words("identify.similarity", value="0.62") in html
    assert "97.0 %" in html or "97 %" in html
    assert words("search.no_score") in html
    assert "{" not in html


def test_an_interval_too_narrow_to_write_is_left_out():
    sure = Candidate("e", None, 0.9, 0.9, 1, 0.9, 0.99999, (0.9999, 0.99999))
    html = found_view(found(IdentifyVerdict.IDENTIFIED, sure), False, EN)

    assert "same person: &gt; 99.9 %" in html
    assert "to &gt;" not in html


def test_an_answer_says_how_sure_it_is():
    sentence = Reason("explanation.picture_moderate_alone", {"score": 0.5})
    source = UncertaintySource.PICTURE
    part = UncertaintyPart(source, UncertaintyLevel.MODERATE, 0.5, sentence)
    searched = found(IdentifyVerdict.IDENTIFIED, ANNA).found
    told = replace(searched, explanation=Explanation(0.03, 0.2, (part,), source))
    html = found_view(IdentifyOutcome(told), False, EN)

    assert EN("doubt.fold") in html
    assert EN("doubt.source_picture") in html
    assert html.count("The picture is only fair: quality 0.50.") == 2


def test_before_a_search_the_card_says_what_to_do():
    assert EN("identify.waiting_title") in found_view(None, False, EN)
    assert EN("search.nobody_title") in found_view(None, True, EN)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoFaceError("face.none_x", "no face"), "no_face"),
        (MultipleFacesError("face.many_x", "many"), "several"),
        (ForbiddenError("access.role_x", "no"), "access"),
        (StorageFullError("storage.full_x", "full"), "other"),
    ],
)
def test_a_problem_comes_with_what_to_do(error, advice, language):
    words = texts(language)
    html = found_view(IdentifyOutcome(problem=Problem(error)), False, words)

    assert words(f"search.advice_{advice}") in html
    assert str(error) in html


def test_without_galleries_an_administrator_can_make_one_and_others_are_told_whom_to_ask():
    assert 'data-act="create"' in shelf_view(Shelf(may_admin=True), ["default"], EN)
    asked = shelf_view(Shelf(), ["default"], EN)
    assert 'data-act="create"' not in asked
    assert EN("search.empty_ask") in asked
    assert 'data-gallery="none"' in asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bar_names_the_chosen_gallery_and_counts_it(language):
    words = texts(language)
    html = shelf_view(SHELF, ["default"], words)

    assert '<option value="staff" selected>' in html
    assert words("search.people_many", count="1,234") in html
    assert words("search.pictures_one", count="1") in html
    assert words("search.faces_not_kept") in html
    assert "{" not in html


def test_who_may_not_look_sees_why():
    denied = Shelf(problem=ForbiddenError("access.role_x", "lacks the role"))

    assert "lacks the role" in shelf_view(denied, [], EN)
    assert EN("search.none_kept") in no_galleries_view(EN)
    assert EN("search.loading") in shelf_view(None, [], EN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_are_shown_with_number_best_quality_and_day(language):
    words = texts(language)
    people = People((subject("e-17", "Anna", record(1, 0.5), record(2, 0.9)), subject("b", None)))
    html = people_view(people, SHELF, words)

    assert "<b>Anna</b><small>e-17</small>" in html
    assert "2026-03-01" in html
    assert re.search(r'class="quality level-excellent"', html)
    assert 'class="pages"' not in html
    assert "{" not in html


def test_deleting_asks_first_and_the_safe_answer_has_the_focus():
    anna = subject("e-17", "Anna", record(1))
    plain = people_view(People((anna,)), SHELF, EN)
    asking = people_view(People((anna,), asking=("e-17", None)), SHELF, EN)

    assert 'data-act="delete"' not in plain
    assert EN("people.ask", who="Anna", count=1) in asking
    assert re.search(r'data-act="keep" data-focus', asking)
    assert re.search(r'data-act="delete" data-id="e-17" data-version="7"', asking)


def test_one_picture_can_be_deleted_after_asking():
    anna = subject("e-17", "Anna", record(1), record(2))
    opened = people_view(People((anna,), opened="e-17"), SHELF, EN)
    asking = people_view(People((anna,), opened="e-17", asking=("e-17", 2)), SHELF, EN)

    assert opened.count(EN("people.delete_picture")) == 2
    assert 'data-act="delete-picture"' not in opened
    assert re.search(r'data-act="delete-picture" data-id="e-17" data-template="2"', asking)


def test_only_administrators_can_end_a_gallery():
    people = People((subject("a", None),))
    other = Shelf(SHELF.names, INFO, SHELF.counts)

    assert 'data-act="end"' in people_view(people, SHELF, EN)
    assert 'data-act="end"' not in people_view(people, other, EN)


def test_pages_lead_forth_and_back():
    html = people_view(People((subject("a", None),), before=("x",), more=False), SHELF, EN)

    assert EN("people.page", number=2) in html
    assert re.search(r'data-act="on" disabled', html)
    assert re.search(r'data-act="back">', html)


def test_an_empty_page_says_why():
    assert EN("people.none") in people_view(People(), SHELF, EN)
    sought = people_view(People(query="zoe", all_sought=False), SHELF, EN)
    assert EN("people.not_found", query="zoe") in sought


def test_names_from_outside_are_escaped():
    people = People((subject("x", EVIL),), query=EVIL)
    assert EVIL not in people_view(people, SHELF, EN)
    evil = Candidate("x", EVIL, 0.9, 0.9, 1, 0.9)
    assert EVIL not in found_view(found(IdentifyVerdict.IDENTIFIED, evil), False, EN)
