from __future__ import annotations

import json

import numpy as np
import pytest

from ood_face.cli import app as cli
from ood_face.cli import review as command
from ood_face.matching import load_scenarios
from ood_face.service import Flagger, Policies, ReviewedFaceService, ReviewService
from tests.fakes.admission import CountingAdmission
from tests.fakes.audit import RecordingAudit
from tests.fakes.detector import FakeDetector
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from tests.fakes.service import fake_align
from tests.fakes.templates import crop


@pytest.fixture
def review(monkeypatch) -> FakeReviewQueue:
    """Return the queue that every command opens."""
    queue = FakeReviewQueue()
    queue.offer(case(1, similarity=0.41, crops=(crop(1), crop(2))), yes)
    queue.offer(case(2, similarity=0.42), yes)
    queue.offer(case(3, similarity=0.43, gallery=None, subject_id=None, template_id=None), yes)
    monkeypatch.setattr(command, "open_review", lambda _: ReviewService(queue, RecordingAudit()))
    return queue


def listed(result) -> list[int]:
    return [item["id"] for item in json.loads(result.stdout)["items"]]


def test_doubtful_verdicts_are_listed_page_by_page(run, review):
    first = run("review", "list", "--limit", "2")
    assert first.exit_code == 0
    assert "verify: review" in first.stdout
    assert "staff/subject-2" in first.stdout
    assert first.stdout.splitlines()[-1] == "There are more: --after 2"
    second = run("review", "list", "--limit", "2", "--after", "2", "--json")
    assert (listed(second), json.loads(second.stdout)["next"]) == ([1], None)
    assert review.closed


@pytest.mark.usefixtures("review")
def test_an_item_is_shown_with_its_reasons_and_its_faces_are_written(run, tmp_path):
    result = run("review", "show", "1", "--crops", "faces")
    assert result.exit_code == 0
    assert "0.400" in result.stdout
    assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == ["1-0.png", "1-1.png"]
    as_json = json.loads(run("review", "show", "1", "--json").stdout)
    assert (as_json["crops"], as_json["files"], as_json["label"]) == (2, [], None)


def test_a_label_is_noted_and_changed(run, review):
    run("review", "label", "1", "same")
    result = run("review", "label", "1", "unusable", "--lang", "zh")
    assert result.stdout == "条目 1 已标为 unusable。\n"
    assert review.item(1).mark.label == "unusable"
    assert review.item(1).mark.by == "local"
    assert listed(run("review", "list", "--json", "--state", "labelled")) == [1]


@pytest.mark.usefixtures("review")
def test_what_is_labelled_is_exported_for_calibrate(run, tmp_path):
    run("review", "label", "1", "same")
    run("review", "label", "2", "different")
    result = run("review", "export", "labels.npz")
    assert result.stdout == (
        "1 items of one person and 1 of two, in 2 groups, of model fake-1: labels.npz\n"
    )
    with np.load(tmp_path / "labels.npz", allow_pickle=False) as found:
        assert found["scores"].tolist() == [0.41, 0.42]
        assert found["labels"].tolist() == [1, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["labels.npz"]


def test_items_are_erased_and_one_that_is_not_there_keeps_no_other(run, review):
    result = run("review", "delete", "1", "9", "3", "1")
    assert result.exit_code == 2
    assert "the review queue has no item 9" in result.stderr
    assert result.stdout == "2 items were erased.\n"
    assert listed(run("review", "list", "--json", "--state", "all")) == [2]
    as_json = run("review", "delete", "2", "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (0, {"erased": [2]})
    assert review.closed


def reviewed_service(queue: FakeReviewQueue) -> ReviewedFaceService:
    return ReviewedFaceService(
        Flagger(queue, 0.5),
        FakeDetector(),
        FakeEmbedder(),
        Policies(load_scenarios(), None),
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )


def test_a_doubtful_comparison_is_offered_to_the_queue_only_if_asked(run, review, monkeypatch):
    monkeypatch.setattr(
        cli,
        "open_service",
        lambda _, queue=None: run.service if queue is None else reviewed_service(queue),
    )
    monkeypatch.setattr(cli, "open_review", command.open_review)
    good, poor = run.file("a.png", 40), run.file("b.png", 40, colour=(70, 70, 70))
    before = len(everything(review))
    plain = run("compare", good, poor, "--json")
    assert (plain.exit_code, len(everything(review))) == (4, before)
    flagged = run("compare", good, poor, "--json", "--flag")
    assert (flagged.exit_code, flagged.stdout) == (4, plain.stdout)
    assert len(everything(review)) == before + 1
    assert everything(review)[0].case.verdict == "recapture"
    assert review.closed
    # a verdict that is sure is no matter for a person
    assert run("compare", good, good, "--flag").exit_code == 0
    assert len(everything(review)) == before + 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("show", "9"), 2, "the review queue has no item 9"),
        (("label", "9", "same"), 2, "the review queue has no item 9"),
        (("show", str(2**63)), 2, str(2**63 - 1)),
        (("delete", "1", str(2**63)), 2, str(2**63 - 1)),
        (("label", "1", "perhaps"), 2, "perhaps"),
        (("list", "--limit", "0"), 2, "--limit"),
        (("list", "--after", "x"), 2, "the next of a page"),
        (("export", "labels.npz"), 7, "no item of the review queue is labelled"),
        (("export", "none/labels.npz"), 7, "cannot be written"),
    ],
)
@pytest.mark.usefixtures("review")
def test_what_is_wrong_is_told(run, words, code, told):
    result = run("review", *words)
    assert result.exit_code == code
    assert told in " ".join(result.output.split())


@pytest.mark.usefixtures("review")
def test_old_items_are_erased_on_request(run):
    assert run("review", "prune").stdout == "0 items were erased.\n"
    assert json.loads(run("review", "prune", "--json").stdout) == {"erased": 0}


def test_a_queue_in_the_data_folder_is_made_and_closed(run, monkeypatch, tmp_path):
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(tmp_path / "data"))
    assert json.loads(run("review", "list", "--json").stdout) == {"items": [], "next": None}
    names = {path.name for path in (tmp_path / "data").iterdir()}
    assert names == {"audit.sqlite", "review.sqlite"}
