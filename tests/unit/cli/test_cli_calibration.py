"""Calibrations on the command line: chosen, and whether a reload would succeed."""

from __future__ import annotations

import json

import pytest

from ood_face.bootstrap import open_policies
from ood_face.bootstrap.policies import read_policies
from tests.fakes import FakeEmbedder
from tests.fakes.audit import RecordingAudit
from tests.unit.bootstrap.policy_files import MODEL_ID, policy_files
from tests.unit.service.chosen import service_of
from tests.unit.service.people import ANN


@pytest.fixture
def gate(run):
    """Return the command over a service whose scenario gate offers calibrations."""
    run.service = service_of()
    run.file("a.png", 48)
    run.file("b.png", 60)
    return run


def body_of(result):
    return json.loads(result.stdout)


def test_a_comparison_is_calibrated_as_the_command_asks(gate):
    pair = ("compare", "a.png", "b.png", "--scenario", "gate")
    found = body_of(gate(*pair, "--calibration", "night", "--json"))
    assert (found["calibration"], found["probability"]) == ("night", pytest.approx(0.999))
    found = body_of(gate(*pair, "--calibration", "none", "--json"))
    assert (found["calibration"], found["probability"]) == (None, None)
    assert "P(same person) 0.60000, prior 0.5, by day" in gate(*pair).stdout
    assert "同一人的概率 0.60000，先验 0.5，标定 day" in gate(*pair, "--lang", "zh").stdout
    assert "P(same" not in gate(*pair, "--calibration", "none").stdout
    model = gate(*pair, "--calibration", "model").stdout
    assert "by model" in model
    assert "(" in model.partition("P(same person)")[2].partition("by model")[0]


def test_what_is_not_offered_is_an_error_with_what_is(gate):
    result = gate("compare", "a.png", "b.png", "--calibration", "night")
    assert result.exit_code != 0
    assert "offers no calibration 'night'; it offers: model, none" in result.stderr


def test_a_gallery_chooses_and_a_command_otherwise(gate):
    made = ("gallery", "create", "staff", "--scenario", "gate", "--calibration", "night")
    assert body_of(gate(*made, "--json"))["calibration"] == "night"
    assert "night" in gate("gallery", "show", "staff").stdout
    gate.file("staff/ann/1.png", 48, colour=ANN)
    assert gate("gallery", "enroll", "staff", "staff").exit_code == 0
    gate.file("ann.png", 60, colour=ANN)
    for command in (
        ("gallery", "identify", "staff", "ann.png"),
        ("gallery", "verify", "staff", "ann", "ann.png"),
    ):
        assert body_of(gate(*command, "--json"))["calibration"] == "night"
        asked = body_of(gate(*command, "--calibration", "day", "--json"))
        assert asked["calibration"] == "day"
    changed = body_of(gate("gallery", "update", "staff", "--calibration", "none", "--json"))
    assert (changed["calibration"], changed["scenario"]) == ("none", "gate")
    changed = body_of(gate("gallery", "update", "staff", "--calibration", "", "--json"))
    assert changed["calibration"] is None


@pytest.fixture
def settings(run, monkeypatch):
    settings = policy_files(run.folder)
    for name in ("weights_dir", "data_dir", "scenarios_file"):
        monkeypatch.setenv(f"OOD_FACE_{name.upper()}", str(getattr(settings, name)))
    return settings


def test_before_any_server_has_run_only_the_files_can_be_checked(run, settings):
    result = run("policies", "check")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("A reload would succeed: 4 scenarios, 2 calibrations.\n")
    assert "no server has noted" in result.stdout
    assert body_of(run("policies", "check", "--json"))["loaded_at"] is None
    assert not settings.data_dir.exists()


def test_a_check_tells_what_a_reload_would_change(run, settings):
    run.service = service_of(
        read_policies(settings, MODEL_ID), embedder=FakeEmbedder(model_id=MODEL_ID)
    )
    open_policies(settings, run.service, RecordingAudit())
    assert "It would change nothing" in run("policies", "check").stdout
    text = settings.scenarios_file.read_text(encoding="utf-8")
    settings.scenarios_file.write_text(f"{text}same_above = 0.5\n", encoding="utf-8")
    shown = run("policies", "check", "--lang", "zh").stdout
    assert "scenario gate same_above" in shown
    assert "重新加载后" in shown
    [change] = body_of(run("policies", "check", "--json"))["changes"]
    assert change == {"what": "scenario gate same_above", "before": 0.45, "after": 0.5}


def test_a_check_of_files_that_are_wrong_fails_with_the_reason(run, settings):
    settings.scenarios_file.write_text("[gate\n", encoding="utf-8")
    result = run("policies", "check")
    assert result.exit_code != 0
    assert "is not valid TOML" in result.stderr
    failed = run("policies", "check", "--json")
    assert "scenarios.not_toml" in failed.output


def test_the_table_of_scenarios_is_not_cut_off(run, settings):
    edited = settings.scenarios_file.read_text(encoding="utf-8").replace(
        '"night"', '"night", "day"'
    )
    settings.scenarios_file.write_text(edited, encoding="utf-8")
    lines = {line.split()[0]: line.split() for line in run("scenarios").stdout.splitlines()}
    assert lines["name"] == ["name", "default", "attendance", "gate", "finance"]
    assert lines["calibration"] == ["calibration", "-", "-", "day", "-"]
    assert lines["calibration_configs"] == ["calibration_configs", "-", "-", "night,", "day", "-"]
    assert lines["different_probability_below"][1] == "0.05"
    assert lines["dropout_passes"][1] == "0"
    assert lines["similarity_alone"][1:3] == ["no", "yes"]
