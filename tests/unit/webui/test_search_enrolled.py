"""An enrolment in words: the plan, the progress, and what became of each picture."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from html import escape

import pytest

from ood_face.errors import DuplicateFaceError, LowQualityError, NoFaceError, StorageFullError
from ood_face.messages import LANGUAGES
from ood_face.types import (
    EnrolledPicture,
    EnrolmentStatus,
    NearDuplicate,
    Reason,
    TemplateRecord,
)
from webui.catalogue import texts
from webui.job_progress import JobState, JobView, Step
from webui.search_enrolment import EnrolReport, EnrolRow, Plan
from webui.views.search_enrolled import enrol_view, plan_view, progress_view

EN = texts("en")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVIL = "<img src=x onerror=alert(1)>"


def record(number: int) -> TemplateRecord:
    return TemplateRecord(number, 0.9, "m-1", "0" * 64, NOW)


def report(*rows: EnrolRow, total: int = 0, error=None) -> JobView:
    result = EnrolReport("staff", rows, total or len(rows), 1, error)
    return JobView(JobState.DONE, Step(), result=result)


ADDED = EnrolRow(
    "anna/1.jpg", "anna", "enrolled", EnrolledPicture(EnrolmentStatus.ENROLLED, 0.9, record(1))
)
REFUSED = EnrolRow(
    "=cmd/1.jpg", EVIL, "refused", error=NoFaceError("face.none_x", "no face was found in {x}", x=1)
)
FORCED = EnrolRow(
    "twin.jpg",
    "twin",
    "enrolled",
    EnrolledPicture(EnrolmentStatus.ENROLLED, 0.9, record(2), (Reason("enroll.no_score"),)),
    near=(NearDuplicate("anna", 0.7),),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_names_people_and_says_what_is_left_out(language):
    words = texts(language)
    people = tuple((f"p{number}", 2) for number in range(14))
    html = plan_view(Plan("0", "folders", people, loose=3), words)

    assert words("enrol.plan_many", people="14", pictures="28") in html
    assert words("enrol.more", count=2) in html
    assert "3" in html
    assert words("enrol.nobody") in plan_view(Plan("0", "folders"), words)
    assert "{" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_progress_is_said_in_words_and_as_a_bar(language):
    words = texts(language)
    working = progress_view(JobView(JobState.WORKING, Step(3, 12, "a/1.jpg")), words)
    waiting = progress_view(JobView(JobState.WAITING, Step(), ahead=2), words)

    assert words("enrol.working", done=3, total=12) in working
    assert 'role="progressbar" aria-valuenow="25"' in working
    assert 'data-act="cancel"' in working
    assert escape(words("enrol.waiting", ahead=2)) in waiting
    assert progress_view(report(ADDED), words) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_says_what_became_of_each_picture(language):
    words = texts(language)
    html = enrol_view(report(ADDED, REFUSED, FORCED, total=5), None, words)

    assert words("enrol.title_people_many", people=2, gallery="staff") in html
    assert words("enrol.why_no_face") in html
    assert words("enrol.forced", other="anna", similarity="0.70") in html
    assert words("enrol.left", count=2) in html
    assert "{" not in html
    assert EVIL not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_has_no_usable_picture_is_named(language):
    words = texts(language)
    bob = EnrolRow("bob/1.jpg", "bob", "refused", error=NoFaceError("face.none_x", "no face"))
    half = EnrolRow("anna/2.jpg", "anna", "refused", error=NoFaceError("face.none_x", "no face"))
    html = enrol_view(report(ADDED, half, bob), None, words)

    assert words("enrol.outside", people="bob") in html
    many = [EnrolRow("x.jpg", f"p{number}", "refused", error=bob.error) for number in range(14)]
    assert words("enrol.more", count=2) in enrol_view(report(*many), None, words)
    assert words("enrol.outside", people="") not in enrol_view(report(ADDED, half), None, words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusals_speak_the_words_and_units_of_the_page(language):
    words = texts(language)
    poor = LowQualityError(
        "enroll.low_quality", "{score} {needed} {scenario}", score=0.079, needed=0.5, scenario="x"
    )
    taken = DuplicateFaceError(
        "enroll.duplicate_face", "{subject}", subject="anna", similarity=0.5171, threshold=0.45
    )
    rows = [EnrolRow("1.jpg", "bob", "refused", error=error) for error in (poor, taken)]
    html = enrol_view(report(*rows), None, words)

    assert words("enrol.poor", quality=8, needed=50) in html
    assert words("enrol.taken", other="anna", similarity="0.52", threshold="0.45") in html


def test_a_report_can_be_downloaded_and_holds_no_formulas():
    html = enrol_view(report(ADDED, REFUSED), None, EN)
    (encoded,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', html)
    lines = base64.b64decode(encoded).decode("utf-8-sig").splitlines()

    assert lines[0] == "picture,subject_id,status,ood_score,note"
    assert lines[1].startswith("anna/1.jpg,anna,enrolled,0.9000,")
    assert lines[2].startswith("'=cmd/1.jpg,")


def test_what_ended_early_says_so():
    error = StorageFullError("storage.full_x", "the disk is full")
    assert "the disk is full" in enrol_view(report(ADDED, error=error), None, EN)
    failed = JobView(JobState.FAILED, Step(), error=error)
    assert EN("error.title") in enrol_view(failed, None, EN)
    stopped = JobView(JobState.CANCELLED, Step())
    assert EN("enrol.nothing_done") in enrol_view(stopped, None, EN)
    duplicate = DuplicateFaceError("enroll.dup_x", "taken")
    assert EN("search.advice_duplicate") in enrol_view(None, duplicate, EN)


def test_names_of_folders_are_escaped():
    assert EVIL not in plan_view(Plan("0", "folders", ((EVIL, 1),)), EN)
