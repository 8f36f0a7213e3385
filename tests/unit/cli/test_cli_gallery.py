from __future__ import annotations

import json

import pytest

from tests.fakes import FakeEmbedder, fake_service
from tests.unit.service.people import ANN, BEN, CAT

ALL = {"ann/1.png": ANN, "ann/2.png": ANN, "ben/1.png": BEN}


@pytest.fixture
def staff(run):
    assert run("gallery", "create", "staff").exit_code == 0
    for number, (name, colour) in enumerate(ALL.items()):
        run.file(f"staff/{name}", 40 + 4 * number, colour=colour)
    result = run("gallery", "enroll", "staff", "staff")
    assert result.exit_code == 0, result.output
    return run


def body_of(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_gallery_is_made_and_shown(run):
    assert run("gallery", "list").stdout.startswith("There is no gallery yet")
    assert json.loads(run("gallery", "list", "--json").stdout) == []
    arguments = ("--scenario", "gate", "--max-templates", "3", "--keep-crops")
    result = run("gallery", "create", "staff", *arguments)
    assert result.stdout == "Gallery staff is there now, for templates of model fake-1.\n"
    shown = body_of(run("gallery", "show", "staff", "--json"))
    assert shown["created_at"].endswith("Z")
    del shown["created_at"], shown["version"]
    assert shown == {
        "name": "staff",
        "model_id": "fake-1",
        "scenario": "gate",
        "calibration": None,
        "max_templates": 3,
        "keep_crops": True,
        "subjects": 0,
        "templates": 0,
        "index": "flat",
    }
    assert "index" in run("gallery", "show", "staff").stdout
    assert "索引类型" in run("gallery", "show", "staff", "--lang", "zh").stdout
    for command in (("list",), ("show", "staff"), ("show", "staff", "--lang", "zh")):
        text = run("gallery", *command).stdout
        assert all(word in text for word in ("staff", "fake-1", "gate", "3"))
    assert "人员数" in text


def test_a_gallery_is_changed_only_in_what_is_named(run):
    run("gallery", "create", "staff", "--keep-crops")
    changed = body_of(run("gallery", "update", "staff", "--scenario", "gate", "--json"))
    assert (changed["scenario"], changed["max_templates"], changed["keep_crops"]) == (
        "gate",
        5,
        True,
    )
    result = run("gallery", "update", "staff", "--max-templates", "2", "--no-keep-crops")
    assert result.stdout == "Gallery staff is changed.\n"
    shown = body_of(run("gallery", "show", "staff", "--json"))
    assert (shown["max_templates"], shown["keep_crops"]) == (2, False)
    assert run("gallery", "update", "staff").exit_code == 2


def test_a_gallery_is_erased_only_when_that_is_confirmed(staff):
    assert staff("gallery", "delete", "staff").exit_code == 2
    assert staff("gallery", "show", "staff").exit_code == 0
    result = staff("gallery", "delete", "staff", "--yes")
    assert result.stdout == "Gallery staff is erased with all its subjects.\n"
    assert staff("gallery", "show", "staff").exit_code == 2
    assert ("delete_gallery", "ok") in staff.audit.outcomes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "none"), 2, "there is no gallery none"),
        (("create", "staff"), 10, "there is a gallery staff already"),
        (("create", "Not OK"), 2, "a gallery's name has 1 to 63 characters"),
        (("create", "other", "--scenario", "casino"), 2, "there is no scenario 'casino'"),
        (("update", "staff", "--scenario", "casino"), 2, "there is no scenario 'casino'"),
        (("subject", "staff", "zoe"), 2, "gallery staff has no subject zoe"),
        (("remove", "staff", "zoe"), 2, "gallery staff has no subject zoe"),
        (("remove", "staff", "ann", "--template", "7"), 2, "has no template 7"),
        (("identify", "none", "staff/ann/1.png"), 2, "there is no gallery none"),
        (("identify", "staff", "none.png"), 7, "none.png: cannot be read"),
        (("verify", "staff", "zoe", "staff/ann/1.png"), 2, "gallery staff has no subject zoe"),
        (("migrate", "none", "new"), 2, "there is no gallery none"),
        (("enroll", "none", "staff"), 2, "there is no gallery none"),
        (("enroll", "staff", "staff", "--scenario", "casino"), 2, "no scenario 'casino'"),
    ],
    ids=str,
)
def test_errors_are_one_line_and_a_code(staff, arguments, code, words):
    for as_json in (False, True):
        result = staff("gallery", *arguments, *(["--json"] if as_json else []))
        (line,) = result.stderr.splitlines()
        assert (result.exit_code, result.stdout) == (code, "")
        if as_json:
            error = json.loads(line)["error"]
            assert error["exit_code"] == code
            line = f"ood-face: {error['file']}: {error['detail']}"
        assert line.startswith("ood-face: ")
        assert words in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x", "--max-templates", "0"),
        ("create", "x", "--max-templates", "21"),
        ("identify", "staff", "p.png", "--top-k", "0"),
        ("subjects", "staff", "--limit", "1001"),
        ("migrate", "staff", "staff"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_wrong_usage(run, arguments):
    assert run("gallery", *arguments).exit_code == 2


def test_subjects_come_page_by_page(staff):
    page = body_of(staff("gallery", "subjects", "staff", "--limit", "1", "--json"))
    assert ([one["subject_id"] for one in page["subjects"]], page["next"]) == (["ann"], "ann")
    page = body_of(
        staff("gallery", "subjects", "staff", "--after", "ann", "--limit", "1", "--json")
    )
    assert ([one["subject_id"] for one in page["subjects"]], page["next"]) == (["ben"], None)
    text = staff("gallery", "subjects", "staff", "--limit", "1").stdout
    assert "ann" in text
    assert "ben" not in text
    assert "--after ann" in text
    assert "--after" not in staff("gallery", "subjects", "staff").stdout


def test_one_subject_with_its_templates(staff):
    shown = body_of(staff("gallery", "subject", "staff", "ann", "--json"))
    assert [template["model_id"] for template in shown["templates"]] == ["fake-1", "fake-1"]
    text = staff("gallery", "subject", "staff", "ann").stdout
    for template in shown["templates"]:
        assert str(template["template_id"]) in text
        assert template["source_hash"] in text


def test_a_template_is_removed_and_then_the_subject(staff):
    shown = body_of(staff("gallery", "subject", "staff", "ann", "--json"))
    first, second = (str(template["template_id"]) for template in shown["templates"])
    result = staff("gallery", "remove", "staff", "ann", "--template", first)
    assert result.stdout == f"Template {first} of subject ann is erased; left: 1.\n"
    shown = body_of(staff("gallery", "subject", "staff", "ann", "--json"))
    assert [str(template["template_id"]) for template in shown["templates"]] == [second]
    result = staff("gallery", "remove", "staff", "ann")
    assert result.stdout == "Subject ann is erased from gallery staff.\n"
    assert staff("gallery", "subject", "staff", "ann").exit_code == 2
    assert body_of(staff("gallery", "remove", "staff", "ben", "--json")) == {"removed": "ben"}
    assert staff.audit.outcomes()[-3:] == [("delete", "ok")] * 3


def test_migration_embeds_kept_faces_and_names_the_others(run):
    run("gallery", "create", "old", "--keep-crops")
    run.file("in/ann/1.png", 40, colour=ANN)
    run.file("in/ben/1.png", 40, colour=BEN)
    assert run("gallery", "enroll", "old", "in").exit_code == 0
    store = run._open_gallery_records(None)
    kept = store.open("old").subject("ben").templates[0].template_id
    store.remove_template("old", "ben", kept)
    run.service = fake_service(embedder=FakeEmbedder("fake-2"))
    result = run("gallery", "enroll", "old", "in")
    assert (result.exit_code, "migrate" in result.stderr) == (10, True)
    moved = run("gallery", "migrate", "old", "new", "--json")
    assert moved.exit_code == 10
    assert json.loads(moved.stdout) == {
        "gallery": "new",
        "subjects": 2,
        "templates": 1,
        "skipped": 0,
        "to_enroll_again": ["ben"],
    }
    shown = body_of(run("gallery", "show", "new", "--json"))
    assert (shown["model_id"], shown["keep_crops"], shown["templates"]) == ("fake-2", True, 1)
    again = run("gallery", "migrate", "old", "new").stdout
    assert again == "Embedded into gallery new: subjects 0, templates 0; there before: 2.\n"
    run("gallery", "delete", "new", "--yes")
    text = run("gallery", "migrate", "old", "new").stdout
    assert text.endswith("who must be enrolled again (1):\n  ben\n")
    found = run("gallery", "identify", "new", "in/ann/1.png", "--json")
    assert json.loads(found.stdout)["verdict"] == "identified"


def test_migration_into_a_gallery_of_another_model_is_refused(run):
    run("gallery", "create", "old")
    run("gallery", "create", "other")
    run.service = fake_service(embedder=FakeEmbedder("fake-2"))
    result = run("gallery", "migrate", "old", "other")
    assert (result.exit_code, "fake-1" in result.stderr) == (10, True)


def test_identified_and_its_candidates(staff):
    result = staff("gallery", "identify", "staff", "staff/ann/1.png", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"], found["gallery"]) == (0, "identified", "staff")
    assert [one["subject_id"] for one in found["candidates"]] == ["ann", "ben"]
    assert found["margin"] == pytest.approx(
        found["candidates"][0]["similarity"] - found["candidates"][1]["similarity"]
    )
    assert found["reasons"][0]["sentence"].startswith("The face matches the first candidate")
    text = staff("gallery", "identify", "staff", "staff/ann/1.png", "--top-k", "1").stdout
    assert text.startswith("identified   ann   [default]\n")
    assert "ben" not in text
    zh = staff("gallery", "identify", "staff", "staff/ann/1.png", "--lang", "zh").stdout
    assert "人脸与第一候选人匹配" in zh


@pytest.mark.parametrize(
    ("colour", "code", "verdict"),
    [(ANN, 0, "identified"), (CAT, 1, "unknown"), ((70, 70, 70), 4, "recapture")],
)
def test_the_exit_code_of_a_search_is_its_verdict(staff, colour, code, verdict):
    staff.folder.joinpath("mine.toml").write_text("[default]\nsame_above = 0.9\n", "utf-8")
    staff.service = fake_service(scenarios_file=staff.folder / "mine.toml")
    result = staff("gallery", "identify", "staff", staff.file("p.png", 44, colour=colour), "--json")
    assert (result.exit_code, json.loads(result.stdout)["verdict"]) == (code, verdict)


def test_two_subjects_equally_similar_are_for_a_person_to_look_at(staff):
    staff.file("more/twin/1.png", 60, colour=ANN)
    assert staff("gallery", "enroll", "staff", "more", "--force").exit_code == 0
    result = staff("gallery", "identify", "staff", "staff/ann/1.png")
    assert (result.exit_code, result.stdout.startswith("needs review")) == (3, True)


def test_an_empty_gallery_knows_nobody(run):
    run("gallery", "create", "staff")
    result = run("gallery", "identify", "staff", run.file("p.png", 44, colour=ANN))
    assert (result.exit_code, "Nobody is enrolled" in result.stdout) == (1, True)


def test_a_picture_is_verified_against_a_subject(staff):
    result = staff("gallery", "verify", "staff", "ann", "staff/ann/2.png", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"]) == (0, "same")
    assert found["candidate"]["subject_id"] == "ann"
    result = staff("gallery", "verify", "staff", "ben", "staff/ann/2.png")
    assert (result.exit_code, "ben" in result.stdout) == (1, True)


def test_a_picture_from_stdin_is_sought(staff):
    content = staff.folder.joinpath("staff/ann/1.png").read_bytes()
    assert staff("gallery", "identify", "staff", "-", stdin=content).exit_code == 0
