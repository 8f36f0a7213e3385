from __future__ import annotations

import csv
import json
import resource
import signal
from pathlib import Path

import pytest

from ood_face.errors import StorageFullError
from tests.fakes import FakeDetector, FakeEmbedder, fake_service
from tests.unit.service.people import ANN, BEN, CAT

PEOPLE = {"ann": ANN, "ben": BEN, "cat": CAT}


@pytest.fixture
def staff(run):
    assert run("gallery", "create", "staff").exit_code == 0
    return run


def lines_of(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def ids_in(run) -> list[str]:
    page = json.loads(run("gallery", "subjects", "staff", "--json").stdout)
    return [one["subject_id"] for one in page["subjects"]]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_started_again_it_changes_nothing(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff("gallery", "enroll", "staff", "in")
    before = staff("gallery", "subject", "staff", "ann", "--json").stdout
    *pictures, last = lines_of(staff("gallery", "enroll", "staff", "in", "--json"))
    assert [one["status"] for one in pictures] == ["unchanged"]
    assert last == {
        "summary": {
            "pictures": 1,
            "enrolled": 0,
            "unchanged": 1,
            "not_kept": 0,
            "refused": 0,
            "interrupted": False,
        }
    }
    assert staff("gallery", "subject", "staff", "ann", "--json").stdout == before


def test_what_is_refused_is_said_with_the_reason_and_stops_no_other(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff.file("in/ben/1.png", 44, colour=ANN)
    staff.file("in/ben/2.png", 40, colour=tuple(value // 2 for value in BEN))
    staff.file("in/ben/3.png", 40, 44, colour=BEN)
    staff.file("in/ben/4.png")
    (staff.folder / "in/ben/5.txt").write_text("hello", "utf-8")
    staff.file("in/b n/1.png", 40, colour=BEN)
    staff.file("in/cat/1.png", 40, colour=CAT)
    result = staff("gallery", "enroll", "staff", "in", "--report", "report.csv", "--json")
    assert result.exit_code == 10
    *pictures, last = lines_of(result)
    codes = {one["picture"]: one["code"] for one in pictures}
    assert codes == {
        "ann/1.png": None,
        "b n/1.png": "subject.id",
        "ben/1.png": "enroll.duplicate_face",
        "ben/2.png": "enroll.low_quality",
        "ben/3.png": "face.several",
        "ben/4.png": "face.none",
        "ben/5.txt": "image.is_text",
        "cat/1.png": None,
    }
    assert (last["summary"]["enrolled"], last["summary"]["refused"]) == (2, 6)
    errors = [json.loads(line)["error"] for line in result.stderr.splitlines()]
    assert [error["file"] for error in errors] == [name for name in codes if codes[name]]
    rows = {row["picture"]: row for row in rows_of(staff.folder / "report.csv")}
    assert {name: row["code"] or None for name, row in rows.items()} == codes
    assert "ann" in rows["ben/1.png"]["reason"]
    assert rows["cat/1.png"]["status"] == "enrolled"
    assert rows["cat/1.png"]["ood_score"] == "0.6667"
    assert ids_in(staff) == ["ann", "cat"]


def test_a_face_of_another_subject_can_be_forced(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff.file("in/twin/1.png", 44, colour=ANN)
    result = staff("gallery", "enroll", "staff", "in", "--force")
    assert result.exit_code == 0
    assert "Enrolled although subject ann has nearly the same face" in result.stdout
    assert ids_in(staff) == ["ann", "twin"]


def test_a_scenario_may_demand_more(staff):
    staff.folder.joinpath("mine.toml").write_text("[strict]\nenroll_needs_score_above = 0.9\n")
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff.service = fake_service(scenarios_file=staff.folder / "mine.toml")
    assert staff("gallery", "enroll", "staff", "in", "--scenario", "strict").exit_code == 10
    assert staff("gallery", "enroll", "staff", "in").exit_code == 0


class AtThird(FakeDetector):
    """Does something when it has looked for faces twice."""

    def __init__(self, what) -> None:
        self._calls, self._what = 0, what

    def detect(self, image):
        self._calls += 1
        if self._calls == 3:
            self._what()
        return super().detect(image)


def test_ctrl_c_ends_after_the_picture_at_work_and_the_next_run_goes_on(staff):
    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    staff.file("in/cat/2.png", 44, colour=CAT)
    staff.service = fake_service(detector=AtThird(lambda: signal.raise_signal(signal.SIGINT)))
    before = signal.getsignal(signal.SIGINT)
    result = staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    assert signal.getsignal(signal.SIGINT) is before
    assert result.exit_code == 130
    assert "Pictures: 3. Enrolled: 3;" in result.stdout
    assert "the same command goes on from there" in result.stdout
    assert ids_in(staff) == ["ann", "ben", "cat"]
    result = staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    assert (result.exit_code, "Enrolled: 1; enrolled before: 3;" in result.stdout) == (0, True)
    assert len(rows_of(staff.folder / "report.csv")) == 7


def test_ctrl_c_during_the_last_picture_interrupts_nothing(staff):
    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    staff.service = fake_service(detector=AtThird(lambda: signal.raise_signal(signal.SIGTERM)))
    result = staff("gallery", "enroll", "staff", "in")
    assert (result.exit_code, "Enrolled: 3;" in result.stdout) == (0, True)


def test_the_report_of_the_next_run_is_added(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    report = staff.folder / "report.csv"
    staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    # as a power failure may leave it
    report.write_bytes(report.read_bytes().removesuffix(b"\r\n"))
    staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    assert [row["status"] for row in rows_of(report)] == ["enrolled", "unchanged"]


def test_nothing_in_a_report_is_a_formula_to_a_spreadsheet(staff):
    for name, colour in (("=1+1", ANN), ("@SUM(A1)", BEN), ("-2", CAT)):
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    rows = rows_of(staff.folder / "report.csv")
    assert [row["subject_id"] for row in rows] == ["'-2", "'=1+1", "'@SUM(A1)"]
    assert {row["picture"][0] for row in rows} == {"'"}


def test_no_other_file_is_taken_for_a_report(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    (staff.folder / "other.csv").write_text("a,b\n1,2\n")
    result = staff("gallery", "enroll", "staff", "in", "--report", "other.csv")
    assert (result.exit_code, "no report of an enrolment" in result.stderr) == (7, True)
    assert (staff.folder / "other.csv").read_text() == "a,b\n1,2\n"
    result = staff("gallery", "enroll", "staff", "in", "--report", "no/such/folder.csv")
    assert (result.exit_code, "cannot be written" in result.stderr) == (7, True)
    assert ids_in(staff) == []


def test_a_report_that_can_grow_no_more_ends_the_run_with_the_sum_so_far(staff):
    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        result = staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == 7
    assert result.stderr == "ood-face: report.csv cannot be written; check its folder\n"
    assert "Pictures: 2. Enrolled: 2;" in result.stdout
    assert ids_in(staff) == ["ann", "ben"]


def test_a_full_disk_ends_with_the_sum_so_far(staff):
    def full():
        raise StorageFullError("storage.full", "there is no space left", file="x")

    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    staff.service = fake_service(detector=AtThird(full))
    result = staff("gallery", "enroll", "staff", "in")
    assert result.exit_code == 9
    assert "Pictures: 2. Enrolled: 2;" in result.stdout
    assert result.stderr == "ood-face: there is no space left\n"


def test_a_gallery_of_another_model_is_refused_once(staff):
    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}/1.png", 40, colour=colour)
    staff.service = fake_service(embedder=FakeEmbedder("fake-2"))
    result = staff("gallery", "enroll", "staff", "in", "--lang", "zh")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (10, "", 1)
    assert "fake-1" in result.stderr
