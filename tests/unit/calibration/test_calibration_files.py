"""Calibration files: what is written is read, and what was touched is refused."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ood_face.calibration.files import (
    METHODS,
    calibration_path,
    check_name,
    list_calibrations,
    load_calibration,
    read_calibration,
    write_calibration_file,
)
from ood_face.calibration.sealed import read_sealed, write_sealed
from ood_face.errors import ArtifactError, CalibrationMissingError, ChecksumError, InputError
from tests.unit.calibration.calibrations import MADE, calibration, people

ASKED = np.linspace(-1, 1, 41)


@pytest.fixture(scope="module")
def made():
    return calibration()


@pytest.fixture
def model_dir(tmp_path: Path, made) -> Path:
    (tmp_path / "calibration").mkdir()
    write_calibration_file(tmp_path / "calibration" / "gate-2026.toml", made)
    return tmp_path


@pytest.mark.parametrize("method", METHODS)
def test_what_is_written_is_read(tmp_path, method):
    data = people(count=60, each=40)
    made = calibration(data, method)
    write_calibration_file(tmp_path / "it.toml", made)
    found = read_calibration(tmp_path / "it.toml", "made-up@1")
    assert (found.probability(ASKED) == made.probability(ASKED)).all()
    assert (found.name, found.model_id, found.made) == ("gate-2026", "made-up@1", MADE)
    assert (found.input, found.claims, found.prior) == (made.input, made.claims, 0.5)
    assert found.report["after"]["ece"] == made.report["after"]["ece"]
    assert found.report["fit"] == made.report["fit"]


def test_the_file_says_what_one_must_know(model_dir):
    text = (model_dir / "calibration" / "gate-2026.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert document["format"] == 1
    assert document["method"] == "vector"
    assert document["data"]["source"] == "made up"
    assert document["fit"]["people"] == document["test"]["people"] == 30
    for table in ("before", "after"):
        for figure in ("ece", "mce", "brier", "nll"):
            low, high = document[table][f"{figure}_interval"]
            assert low <= document[table][figure] <= high
        assert sum(document[table]["reliability"]["counts"]) == document["test"]["rows"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lowest = 0", "lowest = 0.0000001 #"),
        ('model_id = "made-up@1"', 'model_id = "other@1"'),
        ("people = 30", "people = 3000"),
        ("temperature = ", "temperature = 1"),
    ],
)
def test_a_file_edited_by_hand_is_refused(model_dir, old, new):
    path = model_dir / "calibration" / "gate-2026.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ChecksumError) as caught:
        load_calibration(model_dir, "gate-2026", "made-up@1")
    assert caught.value.key == "scaling.edited"
    assert "gate-2026.toml" in str(caught.value)


def test_comments_and_line_ends_may_change(model_dir):
    path = model_dir / "calibration" / "gate-2026.toml"
    text = "# made for the main gate\n" + path.read_text(encoding="utf-8")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert load_calibration(model_dir, "gate-2026", "made-up@1").name == "gate-2026"


def test_a_file_without_a_checksum_is_refused(model_dir):
    path = model_dir / "calibration" / "gate-2026.toml"
    text = re.sub(r'^sha256 = ".*"$', "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CalibrationMissingError, match="no sha256"):
        read_calibration(path)


def test_a_calibration_of_another_model_is_refused(model_dir):
    with pytest.raises(ArtifactError) as caught:
        load_calibration(model_dir, "gate-2026", "made-up@2")
    assert caught.value.key == "scaling.other_model"
    assert "made-up@1" in str(caught.value)
    assert "made-up@2" in str(caught.value)


def test_calibrations_are_listed_and_an_unknown_one_names_them(model_dir, made):
    write_calibration_file(model_dir / "calibration" / "door.toml", replace(made, name="door"))
    assert list_calibrations(model_dir) == ["door", "gate-2026"]
    with pytest.raises(CalibrationMissingError, match="no calibration lobby; it has: door, gate"):
        load_calibration(model_dir, "lobby", "made-up@1")


def test_a_model_without_calibrations_has_none(tmp_path):
    assert list_calibrations(tmp_path) == []
    with pytest.raises(CalibrationMissingError, match="it has: -"):
        load_calibration(tmp_path, "gate", "made-up@1")


def test_a_renamed_file_is_refused(model_dir):
    folder = model_dir / "calibration"
    (folder / "gate-2026.toml").rename(folder / "lobby.toml")
    with pytest.raises(CalibrationMissingError, match="holds the calibration gate-2026"):
        load_calibration(model_dir, "lobby", "made-up@1")


@pytest.mark.parametrize("name", ["", "none", "Gate", "../gate", "a" * 65, "-gate", "gate 1"])
def test_names_that_could_mislead_are_refused(name, tmp_path):
    for use in (check_name, lambda name: calibration_path(tmp_path, name)):
        with pytest.raises(InputError, match="cannot name a calibration"):
            use(name)


@pytest.mark.parametrize(
    "text", ["", "x = [", "x = " + 5000 * "[", "[score_curve]\nscores = [1]", "sha256 = 3"]
)
def test_other_files_are_no_calibrations(tmp_path, text):
    path = tmp_path / "it.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CalibrationMissingError, match=r"it\.toml is no usable calibration"):
        read_calibration(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(CalibrationMissingError, match="No such file"):
        read_calibration(tmp_path / "it.toml")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"method": "magic"},
        {"name": "../x"},
        {"parameters": {"temperature": 11, "biases": [0.0, 0.0]}},
        {"parameters": {"temperature": "1", "biases": [0.0, 0.0]}},
        {"parameters": {"temperature": 1.0, "biases": [0.0]}},
        {"parameters": {}},
        {"input": {"kind": "smell"}},
        {"input": {"kind": "similarity", "scale": -1.0}},
        {"input": {"kind": "similarity", "colour": 1}},
        {"claims": {"lowest": 0.9, "highest": 0.1}},
        {"claims": {"lowest": 0.1}},
        {"prior": "half"},
        {"before": "worse"},
        {"data": 3},
    ],
)
def test_values_that_no_calibration_has_are_refused_though_the_seal_is_right(model_dir, change):
    path = model_dir / "calibration" / "gate-2026.toml"
    document = read_sealed(path)
    write_sealed(path, document | change)
    with pytest.raises(CalibrationMissingError, match="no usable calibration"):
        read_calibration(path)


def test_a_file_that_cannot_be_written_leaves_the_old_one(model_dir, made):
    path = model_dir / "calibration" / "gate-2026.toml"
    before = path.read_bytes()
    unfit = replace(made, report={"data": {"odd": {1, 2}}})
    with pytest.raises(ArtifactError):
        write_calibration_file(path, unfit)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["gate-2026.toml"]


def test_a_place_that_is_no_folder_is_named(tmp_path, made):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        write_calibration_file(tmp_path / "file" / "it.toml", made)
    assert caught.value.key == "scaling.unwritable"


def test_probabilities_stay_within_what_the_test_can_carry(made):
    found = made.probability(np.array([-1.0, 1.0]))
    assert found == pytest.approx([made.claims.lowest, made.claims.highest])
    assert 0 < made.claims.lowest < 0.05
    assert 0.95 < made.claims.highest < 1


@pytest.mark.parametrize("values", [[1.2], [-1.01], [[0.1, 0.2]], [float("nan")]])
def test_what_is_no_similarity_is_refused(made, values):
    with pytest.raises(InputError):
        made.probability(values)


def test_a_higher_similarity_is_never_less_probable(made):
    assert (np.diff(made.probability(ASKED)) >= 0).all()
