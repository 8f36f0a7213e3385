from __future__ import annotations

import base64

import numpy as np
import pytest

from ood_face.config import Settings
from ood_face.errors import (
    BusyError,
    ImageDecodeError,
    MultipleFacesError,
    NoFaceError,
    UnknownScenarioError,
)
from ood_face.imaging import PictureFault
from ood_face.types import QualityScore, Verdict
from tests.fakes import FakeEmbedder, FullAdmission, fake_service, picture, png
from webui.outcomes import compare_pictures, extract_pictures
from webui.uploads import Limits

ONE = Limits.of(Settings(), max_files=1)
MANY = Limits.of(Settings(), max_files=20)


def sent(image, name: str = "a.png") -> list[dict[str, str]]:
    return [{"name": name, "data": base64.b64encode(png(image)).decode()}]


BROKEN = [{"name": "b.jpg", "data": base64.b64encode(b"no picture at all").decode()}]
ONE_FACE = sent(picture(60))
NO_FACE = sent(np.zeros((48, 80, 3), np.uint8))
TWO_FACES = sent(picture(60, 58))
LARGE_AND_SMALL = sent(picture(90, 20))


def test_two_pictures_give_a_comparison_with_the_outline_of_each_face(service):
    outcome = compare_pictures(service, ONE, ONE_FACE, ONE_FACE, "default")

    assert outcome.problem is None
    assert outcome.comparison.verdict is Verdict.SAME
    assert outcome.comparison.similarity == pytest.approx(1.0)
    drawn = outcome.marks[0].for_picker()
    assert (drawn["width"], drawn["height"]) == (84, 48)
    assert drawn["faces"][0]["box"] == [12.0, 0.0, 72.0, 48.0]
    assert len(drawn["faces"][0]["landmarks"]) == 5
    assert drawn["faces"][0]["chosen"] is True


@pytest.mark.parametrize("pair", [(None, None), (ONE_FACE, None), ([], ONE_FACE)])
def test_a_missing_picture_is_no_problem_yet(service, pair):
    outcome = compare_pictures(service, ONE, *pair, "default")

    assert outcome.comparison is None
    assert outcome.problem is None


def test_the_bad_file_is_named_by_its_side(service):
    outcome = compare_pictures(service, ONE, ONE_FACE, BROKEN, "default")

    assert isinstance(outcome.problem.error, ImageDecodeError)
    assert outcome.problem.side == "second"


def test_no_face_is_named_by_its_side(service):
    outcome = compare_pictures(service, ONE, NO_FACE, ONE_FACE, "default")

    assert isinstance(outcome.problem.error, NoFaceError)
    assert outcome.problem.side == "first"


def test_of_several_faces_all_are_outlined(service):
    outcome = compare_pictures(service, ONE, ONE_FACE, TWO_FACES, "default")

    assert isinstance(outcome.problem.error, MultipleFacesError)
    assert outcome.problem.side == "second"
    assert [len(marks.faces) for marks in outcome.marks] == [1, 2]
    assert [face["chosen"] for face in outcome.marks[1].for_picker()["faces"]] == [True, True]


def test_of_several_faces_the_visitor_chooses_one(service):
    chosen = [TWO_FACES[0] | {"face": 2}]
    outcome = compare_pictures(service, ONE, ONE_FACE, chosen, "default")

    assert outcome.problem is None
    assert [face["chosen"] for face in outcome.marks[1].for_picker()["faces"]] == [False, True]


def test_a_chosen_face_stays_chosen_while_the_other_picture_waits_for_a_choice(service):
    chosen = [TWO_FACES[0] | {"face": 2}]
    outcome = compare_pictures(service, ONE, chosen, TWO_FACES, "default")

    assert outcome.problem.side == "second"
    assert [face["chosen"] for face in outcome.marks[0].for_picker()["faces"]] == [False, True]


@pytest.mark.parametrize("number", [0, 3, -2])
def test_a_number_that_no_face_has_is_refused(service, number):
    chosen = [ONE_FACE[0] | {"face": number}]
    outcome = compare_pictures(service, ONE, chosen, ONE_FACE, "default")

    assert outcome.problem.error.key == "face.number"


def test_what_can_be_mended_about_each_picture_is_said(service):
    white = sent(picture(60, colour=(250, 250, 250)))
    outcome = compare_pictures(service, ONE, ONE_FACE, white, "default")

    assert PictureFault.BRIGHT in outcome.faults[1]
    assert PictureFault.BRIGHT not in outcome.faults[0]


def test_where_the_largest_face_was_taken_the_others_are_outlined_too(service):
    outcome = compare_pictures(service, ONE, LARGE_AND_SMALL, ONE_FACE, "default")

    chosen = [face["chosen"] for face in outcome.marks[0].for_picker()["faces"]]
    assert chosen == [True, False]
    assert outcome.comparison is not None


def test_an_unknown_scenario_is_a_problem_of_no_picture(service):
    outcome = compare_pictures(service, ONE, ONE_FACE, ONE_FACE, "nonsense")

    assert isinstance(outcome.problem.error, UnknownScenarioError)
    assert outcome.problem.side == ""


def test_a_busy_service_is_a_problem_and_not_a_crash():
    outcome = compare_pictures(
        fake_service(admission=FullAdmission()), ONE, ONE_FACE, ONE_FACE, "default"
    )

    assert isinstance(outcome.problem.error, BusyError)


def test_extraction_goes_on_after_a_bad_file(service):
    outcome = extract_pictures(service, MANY, [*TWO_FACES, *BROKEN, *NO_FACE], None)

    assert [len(file.templates) for file in outcome.files] == [2, 0, 0]
    assert isinstance(outcome.files[1].error, ImageDecodeError)
    assert outcome.files[2].error is None
    assert len(outcome.files[0].marks.faces) == 2


def test_an_unreadable_request_is_refused_as_a_whole(service):
    outcome = extract_pictures(service, MANY, "nonsense", None)

    assert outcome.files == ()
    assert outcome.error.key == "page.upload"


def test_uncertainty_comes_where_it_is_asked_for(service):
    (plain,) = extract_pictures(service, MANY, TWO_FACES, None).files
    (asked,) = extract_pictures(service, MANY, TWO_FACES, "mc").files

    assert [template.uncertainty for template in plain.templates] == [None, None]
    assert [template.uncertainty.passes for template in asked.templates] == [20, 20]


def test_a_model_that_cannot_estimate_its_uncertainty_is_a_problem_of_the_file():
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    (file,) = extract_pictures(service, MANY, ONE_FACE, "mc").files

    assert file.error.key == "uncertainty.no_dropout"
