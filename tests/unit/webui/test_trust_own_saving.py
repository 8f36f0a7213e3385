"""A report on own pictures becomes a scenario: saved in the data folder, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ood_face.bootstrap import model_folders
from ood_face.calibration.own_report import make_report
from ood_face.config import Settings
from ood_face.errors import ConfigError, InputError
from ood_face.types import Policy, Scenario
from tests.unit.calibration.own_faces import drawn_faces, same_model
from webui.trust_own_outcomes import SaveForm, read_form, save_as_scenario
from webui.views.trust_operating import recommended

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.bootstrap import ModelFolders

SCENARIO = Scenario("default")


class Policies:
    """Notes what it is told; ``refusal`` is raised in the place of saving."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.saved: list[Scenario] = []
        self.reloads = 0

    def save_scenario(self, scenario: Scenario, _caller: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.saved.append(scenario)

    def reload(self, _caller: object) -> None:
        self.reloads += 1


@pytest.fixture(scope="module")
def report():
    return make_report(drawn_faces(30, 6), SCENARIO, same_model(0, -1, 6), (0.01, 0.0001))


def folders_in(folder: Path) -> ModelFolders:
    return model_folders(
        Settings(data_dir=folder / "data", weights_dir=folder / "weights"), "made-up@1"
    )


def test_a_report_becomes_a_scenario_in_force(report, tmp_path):
    policies = Policies()
    name = save_as_scenario(report, SaveForm("desk", 0.01), policies, folders_in(tmp_path), None)

    (saved,) = policies.saved
    assert name == saved.name == "desk"
    assert saved.same_above == recommended(report)[2].threshold.value
    assert saved.policy is Policy.SIMILARITY
    assert policies.reloads == 1
    assert list(tmp_path.rglob("*.toml")) == []


def test_a_calibration_is_kept_in_the_data_folder_and_decides(report, tmp_path):
    policies = Policies()
    lenient = replace(report.scenario, same_probability_above=0.6, different_probability_below=0.4)
    form = SaveForm("desk", 0.01, calibrate=True)
    save_as_scenario(replace(report, scenario=lenient), form, policies, folders_in(tmp_path), None)

    assert policies.saved[0].calibration == "desk"
    assert policies.saved[0].policy is Policy.PROBABILITY
    (kept,) = tmp_path.rglob("*.toml")
    assert kept == tmp_path / "data" / "made-up" / "calibration" / "desk.toml"


def test_a_calibration_does_not_take_the_name_of_one_beside_the_weights(report, tmp_path):
    beside = tmp_path / "weights" / "made-up" / "calibration" / "desk.toml"
    beside.parent.mkdir(parents=True)
    beside.write_text("", encoding="utf-8")
    policies = Policies()
    lenient = replace(report.scenario, same_probability_above=0.6, different_probability_below=0.4)
    form = SaveForm("desk", 0.01, calibrate=True)
    with pytest.raises(InputError) as caught:
        save_as_scenario(
            replace(report, scenario=lenient), form, policies, folders_in(tmp_path), None
        )

    assert caught.value.key == "trust.calibration_present"
    assert not policies.saved
    assert list(tmp_path.rglob("*.toml")) == [beside]


def test_a_scenario_that_is_refused_leaves_no_calibration_behind(report, tmp_path):
    taken = Policies(ConfigError("scenarios.known", "there is such a scenario"))
    lenient = replace(report.scenario, same_probability_above=0.6, different_probability_below=0.4)
    form = SaveForm("desk", 0.01, calibrate=True)
    with pytest.raises(ConfigError):
        save_as_scenario(replace(report, scenario=lenient), form, taken, folders_in(tmp_path), None)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert taken.reloads == 0


@pytest.mark.parametrize(
    "sent", [{}, {"name": 1, "fmr": ""}, {"name": "a", "fmr": "x"}, {"name": "a", "fmr": None}]
)
def test_a_form_that_no_page_of_ours_sends_is_refused(sent):
    with pytest.raises(InputError):
        read_form(sent)


def test_a_form_is_read():
    sent = {"name": " desk ", "fmr": "0.001", "calibrate": True}

    assert read_form(sent) == SaveForm("desk", 0.001, calibrate=True)
    assert read_form({"name": "d", "fmr": ""}) == SaveForm("d")
