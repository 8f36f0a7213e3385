from __future__ import annotations

import pytest

from ood_face.errors import ConfigError
from ood_face.matching import load_scenarios
from ood_face.matching.scenarios import add_scenario
from ood_face.types import Policy, Scenario


def test_the_built_in_ones():
    assert dict(load_scenarios()) == {
        "default": Scenario("default", 0.45, 0.35, 0.4),
        "attendance": Scenario(
            "attendance", 0.45, 0.35, 0.4, similarity_alone=True, enroll_needs_score_above=0.4
        ),
        "gate": Scenario(
            "gate", 0.45, 0.35, 0.4, same_needs_score_above=0.5, enroll_needs_score_above=0.6
        ),
        "finance": Scenario(
            "finance",
            0.45,
            0.35,
            0.4,
            same_needs_score_above=0.65,
            enroll_needs_score_above=0.65,
            identify_needs_margin_above=0.1,
        ),
    }


def test_a_file_adds_and_changes(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[lobby]\nsame_above = 0\ndifferent_below = -0.5\nsame_needs_score_above = 0.0\n"
        "[gate]\nsame_above = 0.6\n",
        encoding="utf-8",
    )
    scenarios = load_scenarios(path)
    assert list(scenarios) == ["default", "attendance", "gate", "finance", "lobby"]
    assert scenarios["lobby"] == Scenario("lobby", 0.0, -0.5, 0.4, same_needs_score_above=0.0)
    # what the file does not name stays as strict as it was
    assert scenarios["gate"] == Scenario(
        "gate", 0.6, 0.35, 0.4, same_needs_score_above=0.5, enroll_needs_score_above=0.6
    )


def test_a_scenario_names_a_calibration_or_none(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[gate]\ncalibration = "gate-2026"\ncalibration_configs = ["night", "model"]\n'
        '[lobby]\ncalibration = "none"\n',
        encoding="utf-8",
    )
    scenarios = load_scenarios(path)
    assert scenarios["gate"].calibration == "gate-2026"
    assert scenarios["gate"].calibrations == ("gate-2026", "night", "model", "none")
    assert scenarios["lobby"].calibration == "none"
    assert scenarios["lobby"].calibrations == ("none",)
    assert scenarios["default"].calibration is None
    assert scenarios["default"].calibrations == ("model", "none")


def test_a_later_file_goes_back_to_the_probabilities_of_the_model(tmp_path):
    before, after = tmp_path / "before.toml", tmp_path / "after.toml"
    before.write_text('[gate]\ncalibration = "night"\nsame_above = 0.5\n', encoding="utf-8")
    after.write_text('[gate]\ncalibration = "model"\n', encoding="utf-8")
    found = load_scenarios(before, after)["gate"]
    assert (found.calibration, found.same_above) == (None, 0.5)


def test_a_scenario_decides_by_probability_if_it_says_so(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[gate]\npolicy = "probability"\nsame_prior = 0.01\n', encoding="utf-8")
    scenarios = load_scenarios(path)
    assert scenarios["gate"].policy is Policy.PROBABILITY
    assert scenarios["gate"].same_prior == 0.01
    assert scenarios["default"].policy is Policy.SIMILARITY


def test_what_is_added_to_a_file_is_read_back(tmp_path):
    path = tmp_path / "mine.toml"
    added = [
        Scenario("door", 0.412345678, 0.3, same_needs_score_above=0.5, calibration="door-2026"),
        Scenario("side", calibration="none", calibration_configs=("night", "model")),
        Scenario("gate.2", policy=Policy.PROBABILITY, similarity_alone=True),
    ]
    for scenario in added:
        add_scenario(path, scenario)
    found = load_scenarios(path)
    assert [found[one.name] for one in added] == added


@pytest.mark.parametrize("name", ["", "Door", "a b", "-x", 'x"]', "x" * 65])
def test_what_is_no_name_is_not_added(tmp_path, name):
    with pytest.raises(ConfigError, match="cannot name a scenario"):
        add_scenario(tmp_path / "mine.toml", Scenario(name))
    assert not (tmp_path / "mine.toml").exists()


def test_to_a_file_that_is_wrong_nothing_is_added(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML"):
        add_scenario(path, Scenario("y"))
    assert path.read_text(encoding="utf-8") == "[x\n"


def test_nothing_else_of_the_file_changes(tmp_path):
    path, link = tmp_path / "mine.toml", tmp_path / "link.toml"
    path.write_text("# for the doors\n", encoding="utf-8")
    path.chmod(0o600)
    link.symlink_to(path)
    add_scenario(link, Scenario("y"))
    assert path.read_text(encoding="utf-8").startswith('# for the doors\n\n["y"]\n')
    assert (link.is_symlink(), path.stat().st_mode & 0o777) == (True, 0o600)


def test_a_file_of_an_editor_that_marks_its_byte_order_is_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[x]\nsame_above = 0.5\n", encoding="utf-8-sig")
    add_scenario(path, Scenario("y"))
    assert load_scenarios(path)["x"].same_above == 0.5
    assert "y" in load_scenarios(path)


def test_nobody_changes_them_afterwards():
    with pytest.raises(TypeError):
        load_scenarios()["mine"] = Scenario("mine")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[x]\nsame_abov = 0.5", "scenarios.unknown_field", ["x", "same_abov", "same_above"]),
        ("[x]\nname = 'y'", "scenarios.unknown_field", ["name"]),
        ("[x]\nsame_above = '0.5'", "scenarios.not_number", ["same_above", "'0.5'"]),
        ("[x]\nsame_above = true", "scenarios.not_number", ["same_above", "True"]),
        ("[x]\nsimilarity_alone = 1", "scenarios.not_boolean", ["similarity_alone", "1"]),
        ("[x]\nsame_above = 1.01", "scenarios.out_of_range", ["same_above", "-1.0..1.0", "1.01"]),
        ("[x]\nsame_above = nan", "scenarios.out_of_range", ["same_above", "nan"]),
        ("[x]\nrecapture_below = -0.1", "scenarios.out_of_range", ["recapture_below", "0.0..1.0"]),
        ("[x]\nsame_needs_score_above = 2", "scenarios.out_of_range", ["same_needs_score_above"]),
        ("[x]\nsame_above = 0.3", "scenarios.crossed", ["different_below", "0.35", "0.3"]),
        (
            "[x]\nsimilarity_alone = true\nsame_needs_score_above = 0.5",
            "scenarios.contradiction",
            ["same_needs_score_above"],
        ),
        ("[x]\ncalibration = 3", "scenarios.calibration", ["x", "3", "none"]),
        ("[x]\ncalibration = '../x'", "scenarios.calibration", ["../x"]),
        ("[x]\ncalibration_configs = 'a'", "scenarios.calibration_configs", ["x", "'a'"]),
        ("[x]\ncalibration_configs = ['a', 3]", "scenarios.calibration_configs", ["3"]),
        ("[x]\ncalibration_configs = ['a', ['b']]", "scenarios.calibration_configs", ["['b']"]),
        ("[x]\ncalibration_configs = ['../a']", "scenarios.calibration_configs", ["../a"]),
        ("[x]\ncalibration_configs = ['a', 'a']", "scenarios.calibration_configs", ["different"]),
        ("[x]\npolicy = 'luck'", "scenarios.policy", ["similarity, probability", "'luck'"]),
        ("[x]\npolicy = 1", "scenarios.policy", ["1"]),
        ("[x]\nsame_prior = 0", "scenarios.out_of_range", ["same_prior", "0"]),
        ("[x]\nsame_prior = 1.0", "scenarios.out_of_range", ["same_prior", "1.0"]),
        ("[x]\nsame_probability_above = 1.5", "scenarios.out_of_range", ["0.0..1.0"]),
        (
            "[x]\nsame_probability_above = 0.6\ndifferent_probability_below = 0.7",
            "scenarios.probabilities_crossed",
            ["different_probability_below", "0.7", "0.6"],
        ),
        ("x = 1", "scenarios.not_table", ["x"]),
        ("[x", "scenarios.not_toml", []),
        ("a = " + 5000 * "[", "scenarios.not_toml", []),
        ("[x]\nsame_above = " + 5000 * "9", "scenarios.not_toml", []),
        ("[x]\nsame_above = " + 400 * "9", "scenarios.out_of_range", ["same_above", "999..."]),
        ("[x]\nsame_above = 0x" + 5000 * "f", "scenarios.out_of_range", ["thousands of digits"]),
        ("[x]\ndropout_passes = 0x" + 5000 * "f", "scenarios.dropout_passes", ["10 to 30"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, key, words):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_scenarios(path)
    assert caught.value.key == key
    for word in [str(path), *words]:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 600


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_scenarios(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_scenarios(tmp_path / "none.toml")


@pytest.mark.parametrize("passes", [0, 10, 30])
def test_a_scenario_asks_for_passes_of_dropout(tmp_path, passes):
    path = tmp_path / "mine.toml"
    path.write_text(f"[gate]\ndropout_passes = {passes}\n", encoding="utf-8")
    assert load_scenarios(path)["gate"].dropout_passes == passes


@pytest.mark.parametrize("passes", ["9", "31", "-1", "1", "20.0", "true", '"20"'])
def test_another_number_of_passes_is_refused_with_the_limits(tmp_path, passes):
    path = tmp_path / "mine.toml"
    path.write_text(f"[gate]\ndropout_passes = {passes}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gate: dropout_passes must be 0 .* from 10 to 30"):
        load_scenarios(path)


def test_a_scenario_that_is_saved_does_not_change_a_built_in_one(tmp_path):
    with pytest.raises(ConfigError, match="finance is a built-in scenario"):
        add_scenario(tmp_path / "own.toml", Scenario("finance"))

    assert list(tmp_path.iterdir()) == []
