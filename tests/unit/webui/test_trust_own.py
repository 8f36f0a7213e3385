"""Own pictures: who they show, the work, the report's words, and saving."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ood_face.calibration.own_report import make_report
from ood_face.calibration.own_report_files import report_document
from ood_face.errors import BusyError, ConfigError, InputError
from ood_face.types import Scenario
from tests.fakes import FullAdmission, fake_service, picture, png
from tests.unit.calibration.own_faces import drawn_faces, faces_of, same_model
from webui.bundle import BundledFile
from webui.catalogue import texts
from webui.job_progress import JobCancelled, Progress, Step
from webui.trust_own_outcomes import OwnOutcome, SaveForm
from webui.trust_own_work import OwnPlan, OwnResult, OwnTask, own_plan
from webui.uploads import Limits
from webui.views.trust_operating import recommended
from webui.views.trust_own import own_said, own_view
from webui.views.trust_report import report_view

if TYPE_CHECKING:
    from pathlib import Path


EN, ZH = texts("en"), texts("zh")
LIMITS = Limits(2**20, 10**6, 1, 2**20)
SCENARIO = Scenario("default")


def file(name: str, data: bytes = b"") -> BundledFile:
    return BundledFile(name, lambda: data)


def face(colour: tuple[int, int, int]) -> bytes:
    return png(picture(60, colour=colour))


def people(*names: str) -> list[BundledFile]:
    """Return three pictures of each person, in one folder around all."""
    return [
        file(f"all/{name}/{number}.png", face((90 + 50 * place, 200 - 9 * number, 150)))
        for place, name in enumerate(names)
        for number in range(3)
    ]


def task(files: list[BundledFile], folder: Path, **changes: object) -> OwnTask:
    made = OwnTask(fake_service(), files, "own pictures", LIMITS, SCENARIO, folder / "uploads")
    return replace(made, **changes)


@pytest.fixture(scope="module")
def report():
    return make_report(drawn_faces(30, 6), SCENARIO, same_model(0, -1, 6), (0.01, 0.0001))


def test_the_plan_counts_people_pictures_and_what_is_left_out():
    files = [file("a/1.jpg"), file("a/2.JPG"), file("b/1.png"), file("loose.jpg"), file("a/x.txt")]

    assert own_plan(files) == OwnPlan(people=2, alone=1, pictures=3, loose=1)


@pytest.mark.parametrize("files", [[], [file("1.jpg")], [file("a/1.jpg"), file("a/2.jpg")]])
def test_one_person_can_be_told_apart_from_nobody(files):
    with pytest.raises(InputError) as caught:
        own_plan(files)
    assert caught.value.key == "page.people"


def test_pictures_are_measured_and_erased(tmp_path):
    progress = Progress()
    result = task([*people("ann", "ben"), file("all/ann/z.jpg", b"nonsense")], tmp_path)(progress)

    assert (result.report.pictures, result.report.faces, result.report.people) == (7, 6, 2)
    assert result.report.source == "own pictures"
    assert result.unreadable == ("all/ann/z.jpg",)
    assert list((tmp_path / "uploads").iterdir()) == []
    assert progress.step.total > 0


def test_names_that_no_disk_takes_are_no_problem(tmp_path):
    long = "缺" * 120
    result = task(people(long, "a:b?*"), tmp_path)(Progress())

    assert result.report.people == 2


def test_pictures_without_pairs_are_refused_without_naming_the_servers_folder(tmp_path):
    files = [file(f"{name}/1.png", face((200, 90, 90))) for name in "ab"]
    with pytest.raises(InputError) as caught:
        task(files, tmp_path)(Progress())

    assert caught.value.key == "evaluate.no_mated"
    assert str(tmp_path) not in str(caught.value)
    assert str(tmp_path) not in str(caught.value.values)


def test_work_that_was_cancelled_ends_and_leaves_nothing(tmp_path):
    progress = Progress()
    progress.cancel()
    with pytest.raises(JobCancelled):
        task(people("ann", "ben"), tmp_path)(progress)

    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_service_that_stays_busy_is_told(tmp_path):
    clock = iter(range(0, 1000, 50))
    full = fake_service(admission=FullAdmission())
    with pytest.raises(BusyError):
        task(people("a", "b"), tmp_path, faces=full, seconds=lambda: next(clock))(Progress())


def test_every_section_has_its_plot_and_its_numbers(report):
    for words in (EN, ZH):
        view = report_view(OwnResult(report, ("x.jpg",)), words)
        plots = set(re.findall(r'data-png="(\w+)"', view))
        assert plots == {"scores", "similarities", "det", "discard", "reliability", "same"}
        assert escape(words("report.unreadable", count=1)) in view
    assert f"{report.mated_pairs:,} pairs of one person" in report_view(OwnResult(report, ()), EN)


def test_the_whole_report_is_the_commands_file(report):
    view = report_view(OwnResult(report, ()), EN)
    encoded = re.search(r"data:application/json;base64,([\w+/=]+)", view)[1]

    document = json.loads(base64.b64decode(encoded))
    assert document == json.loads(json.dumps(report_document(report)))
    assert document["people"] == 30


def test_what_the_pictures_cannot_carry_says_how_much_is_needed(report):
    view = report_view(OwnResult(report, ()), EN)

    # 1 in 10,000 needs 30,000 pairs of two people
    assert "30000" in view
    few = make_report(drawn_faces(4, 2), SCENARIO, None, (0.01,))
    assert view.count(EN("report.lacking")) < report_view(OwnResult(few, ()), EN).count(
        EN("report.lacking")
    )


def test_the_recommended_point_is_the_strictest_one_with_the_quality_limit(report):
    key, fmr, point = recommended(report)

    assert (key, fmr) == ("short_gate", 0.01)
    assert point is report.operating.rows[0].with_gate


def test_no_point_is_recommended_where_there_is_none():
    few = faces_of(np.eye(4)[[0, 0, 1, 1]], np.array([0, 0, 1, 1]), np.ones(4))

    assert recommended(make_report(few, SCENARIO, None, (0.01,))) is None


def test_every_stage_says_what_happens():
    def view(outcome: OwnOutcome | None) -> str:
        return own_view(outcome, ["default", "gate"], True, EN)

    plan = OwnPlan(people=3, alone=1, pictures=20, loose=2)
    planned = view(OwnOutcome(bundle_id="0", plan=plan, scenario="gate"))
    working = OwnOutcome(job_id="1", step=Step(4, 10, "ann/1.jpg"))

    assert EN("own.need_title") in view(None)
    assert EN("own.plan", people="3", pictures="20") in planned
    assert '<option value="gate" selected>' in planned
    assert EN("own.reading", done="5", total="10", name="ann/1.jpg") in view(working)
    assert 'aria-valuenow="40"' in view(working)
    assert EN("own.figures") in view(replace(working, step=Step(2, 8)))
    assert EN("own.ahead", count=2) in view(replace(working, ahead=2))
    assert EN("own.cancelled") in own_said(OwnOutcome(cancelled=True), EN)
    assert own_said(working, EN) == ""


def test_a_report_can_be_saved_only_where_scenarios_can(report):
    outcome = OwnOutcome(result=OwnResult(report, ()))

    assert 'data-do="save"' in own_view(outcome, ["default"], True, EN)
    assert 'data-do="save"' not in own_view(outcome, ["default"], False, EN)


def test_a_refused_name_keeps_the_form_and_the_report(report):
    outcome = OwnOutcome(
        result=OwnResult(report, ()),
        form=SaveForm('My "Desk"', 0.01),
        error=ConfigError("scenarios.known", "choose another name"),
    )
    view = own_view(outcome, ["default"], True, EN)

    # where the visitor stands: at the button, below all plots
    assert view.rindex("plot-figure") < view.index("choose another name")
    assert 'value="My &quot;Desk&quot;"' in view
    assert '<option value="0.01" selected>' in view
    assert "plot-figure" in view


def test_what_was_saved_is_said_at_the_button(report):
    outcome = OwnOutcome(result=OwnResult(report, ()), saved="desk")
    view = own_view(outcome, ["default"], True, EN)

    assert view.index('data-do="save"') < view.index(EN("own.saved", name="desk"))
