"""Policies from files: all of them, or the error of the one that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ood_face.artifacts import PROBABILITY_FILE, sha256_of
from ood_face.bootstrap import check_policies, open_policies
from ood_face.bootstrap.policies import read_policies
from ood_face.calibration.files import calibration_path, write_calibration_file
from ood_face.calibration.fitting import fit_calibration
from ood_face.calibration.same_file import write_same_model
from ood_face.config import Settings
from ood_face.errors import (
    ArtifactError,
    CalibrationMissingError,
    ChecksumError,
    ConfigError,
)
from ood_face.service import FaceService
from ood_face.types import Scenario
from tests.fakes import CountingAdmission, FakeDetector, FakeEmbedder, fake_align, picture
from tests.fakes.audit import RecordingAudit
from tests.unit.bootstrap.policy_files import (
    MODEL_ID,
    policy_files,
    same_model,
    write_manifest,
)
from tests.unit.calibration.calibrations import MADE, people


@pytest.fixture
def settings(tmp_path) -> Settings:
    return policy_files(tmp_path)


def service_of(settings: Settings) -> FaceService:
    return FaceService(
        FakeDetector(),
        FakeEmbedder(model_id=MODEL_ID),
        read_policies(settings, MODEL_ID),
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )


def test_all_files_are_read_and_described(settings):
    found = read_policies(settings, MODEL_ID)
    assert list(found.scenarios) == ["default", "attendance", "gate", "finance"]
    assert found.same_model.model_id == MODEL_ID
    assert list(found.calibrations) == ["day", "night"]
    model, day, _ = found.facts
    assert (model.name, model.method, model.counts) == ("model", "evidence", {"people": 500})
    assert (model.made, model.error_after) == (None, None)
    assert (day.name, day.method, day.model_id, day.made) == ("day", "vector", MODEL_ID, MADE)
    assert 0 < day.error_after < day.error_before < 1
    assert day.counts == {
        "people": 60,
        "rows_across_halves_left_out": 370,
        "fit_rows": 525,
        "test_rows": 545,
    }
    assert day.file_sha256 == sha256_of(calibration_path(settings.weights_dir / "fake-1", "day"))


def test_calibrations_that_no_scenario_names_are_not_read(settings):
    path = calibration_path(settings.weights_dir / "fake-1", "dusk")
    path.write_text("no calibration", encoding="utf-8")
    assert list(read_policies(settings, MODEL_ID).calibrations) == ["day", "night"]


def test_what_a_running_server_saved_is_read_from_the_data_folder(settings):
    beside = calibration_path(settings.weights_dir / "fake-1", "night")
    own = calibration_path(settings.data_dir / "fake-1", "night")
    own.parent.mkdir(parents=True)
    beside.rename(own)
    found = read_policies(settings, MODEL_ID)
    assert list(found.calibrations) == ["day", "night"]
    assert found.facts[2].file_sha256 == sha256_of(own)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def break_toml(settings: Settings) -> None:
    settings.scenarios_file.write_text("[gate\n", encoding="utf-8")


def lose_scenarios(settings: Settings) -> None:
    settings.scenarios_file.unlink()


def ask_for_a_missing_one(settings: Settings) -> None:
    edit(settings.scenarios_file, '"night"', '"dusk"')


def lose_a_calibration(settings: Settings) -> None:
    calibration_path(settings.weights_dir / "fake-1", "night").unlink()


def edit_a_calibration(settings: Settings) -> None:
    edit(calibration_path(settings.weights_dir / "fake-1", "night"), "prior = 0.5", "prior = 0.6")


def take_a_calibration_of_another_model(settings: Settings) -> None:
    made = fit_calibration(people(), "vector", "night", "other-1@1", MADE)
    write_calibration_file(calibration_path(settings.weights_dir / "fake-1", "night"), made)


def take_a_calibration_of_logits(settings: Settings) -> None:
    path = calibration_path(settings.weights_dir / "fake-1", "night")
    made = fit_calibration(people(), "vector", "night", MODEL_ID, MADE)
    write_calibration_file(path, replace(made, prior=None))


def edit_p_same(settings: Settings) -> None:
    edit(settings.weights_dir / "fake-1" / PROBABILITY_FILE, "people = 500", "people = 501")


def take_p_same_of_another_model(settings: Settings) -> None:
    path = settings.weights_dir / "fake-1" / PROBABILITY_FILE
    write_same_model(path, same_model("other-1@1"), {})
    write_manifest(settings.weights_dir)


def lose_the_manifest(settings: Settings) -> None:
    (settings.weights_dir / "manifest.toml").unlink()


def break_what_was_saved(settings: Settings) -> None:
    settings.data_dir.mkdir(exist_ok=True)
    (settings.data_dir / "scenarios.toml").write_text("[x]\nsame_above = 7\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (break_toml, ConfigError),
        (lose_scenarios, ConfigError),
        (break_what_was_saved, ConfigError),
        (ask_for_a_missing_one, CalibrationMissingError),
        (lose_a_calibration, CalibrationMissingError),
        (edit_a_calibration, ChecksumError),
        (take_a_calibration_of_another_model, ArtifactError),
        (take_a_calibration_of_logits, CalibrationMissingError),
        (edit_p_same, ChecksumError),
        (take_p_same_of_another_model, CalibrationMissingError),
        (lose_the_manifest, ArtifactError),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(settings, spoil, error):
    service, audit = service_of(settings), RecordingAudit()
    policies = open_policies(settings, service, audit)
    before, face = policies.current(), picture(48)
    probability = service.compare(face, face, "gate", "night").probability
    noted = (settings.data_dir / "policies.json").read_bytes()

    spoil(settings)

    with pytest.raises(error) as told:
        check_policies(settings)
    with pytest.raises(error) as refused:
        policies.reload()
    assert str(told.value) == str(refused.value)
    assert policies.current() is before
    assert service.compare(face, face, "gate", "night").probability == probability
    assert audit.outcomes() == [("reload_policies", refused.value.key)]
    assert (settings.data_dir / "policies.json").read_bytes() == noted


def test_a_reload_takes_what_has_changed_and_a_check_tells_it_before(settings):
    service = service_of(settings)
    policies = open_policies(settings, service, RecordingAudit())
    at = policies.current().loaded_at.isoformat(timespec="seconds")
    found = check_policies(settings)
    assert (found.scenarios, found.calibrations, found.loaded_at) == (4, 2, at)
    assert found.changes == ()

    path = calibration_path(settings.weights_dir / "fake-1", "night")
    before = sha256_of(path)
    made = fit_calibration(people(seed=9), "temperature", "night", MODEL_ID, MADE)
    write_calibration_file(path, made)
    edit(settings.scenarios_file, "[gate]\n", "[gate]\nsame_above = 0.5\n")
    with settings.scenarios_file.open("a", encoding="utf-8") as file:
        file.write("[door]\n")

    changes = {one.what: (one.before, one.after) for one in check_policies(settings).changes}
    assert changes == {
        "scenario gate same_above": (0.45, 0.5),
        "scenario door": (None, True),
        "calibration night": (before, sha256_of(path)),
    }
    assert service.scenarios["gate"].same_above == 0.45
    policies.reload()
    assert service.scenarios["gate"].same_above == 0.5
    assert policies.current().facts[-1].method == "temperature"
    assert check_policies(settings).changes == ()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"scenarios": 3}', "{}"])
def test_a_note_that_says_nothing_compares_with_nothing(settings, text):
    if text is not None:
        settings.data_dir.mkdir()
        (settings.data_dir / "policies.json").write_text(text, encoding="utf-8")
    found = check_policies(settings)
    assert (found.loaded_at, found.changes) == (None, ())


def test_without_a_scenario_file_what_is_saved_lies_in_the_data_folder(settings):
    settings = settings.model_copy(update={"scenarios_file": None})
    service = service_of(settings)
    policies = open_policies(settings, service, RecordingAudit())
    door = Scenario("door", same_above=0.5, calibration="night", calibration_configs=("day",))
    path = policies.save_scenario(door)
    assert path == settings.data_dir / "scenarios.toml"
    assert "door" not in service.scenarios
    policies.reload()
    assert service.scenarios["door"] == door
    assert read_policies(settings, MODEL_ID).scenarios["door"] == door


def test_the_scenario_file_has_the_last_word_over_what_was_saved(settings):
    policies = open_policies(settings, service_of(settings), RecordingAudit())
    assert policies.save_scenario(Scenario("door")) == settings.scenarios_file
    saved = settings.data_dir / "scenarios.toml"
    saved.write_text("[door]\nsame_above = 0.6\n[gate]\nsame_above = 0.7\n", encoding="utf-8")
    edit(settings.scenarios_file, "[gate]\n", "[gate]\nsame_above = 0.8\n")
    found = read_policies(settings, MODEL_ID).scenarios
    assert found["gate"].same_above == 0.8
    assert found["gate"].calibration == "day"


@pytest.mark.parametrize(
    ("scenario", "error", "words"),
    [
        (Scenario("gate"), ConfigError, "there is a scenario gate already"),
        (Scenario("Door"), ConfigError, "cannot name a scenario"),
        (Scenario("door", same_above=7.0), ConfigError, "must lie in"),
        (Scenario("door", calibration="dusk"), CalibrationMissingError, "has no calibration dusk"),
    ],
)
def test_a_scenario_that_would_not_load_is_not_saved(settings, scenario, error, words):
    policies = open_policies(settings, service_of(settings), RecordingAudit())
    before = settings.scenarios_file.read_bytes()
    with pytest.raises(error, match=words):
        policies.save_scenario(scenario)
    assert settings.scenarios_file.read_bytes() == before
    assert policies.reload().scenarios.keys() == {"default", "attendance", "gate", "finance"}
