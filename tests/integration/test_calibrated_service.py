"""The shipped model, with a calibration that a scenario names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ood_face import open_service
from ood_face.bootstrap import read_settings
from ood_face.calibration.files import load_calibration, write_calibration_file
from ood_face.calibration.fitting import fit_calibration
from ood_face.errors import CalibrationMissingError, ChecksumError
from ood_face.imaging import decode
from tests.unit.calibration.calibrations import MADE, people

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests" / "pictures"
MODEL, MODEL_ID = "rts-r18", "rts-r18@2"


@pytest.fixture
def settings(tmp_path):
    """Return settings of a weights folder that is the shipped one and a calibration more."""
    weights = tmp_path / "weights"
    shutil.copytree(ROOT / "weights", weights)
    made = fit_calibration(people(), "vector", "gate-2026", MODEL_ID, MADE)
    write_calibration_file(weights / MODEL / "calibration" / "gate-2026.toml", made)
    scenarios = tmp_path / "scenarios.toml"
    scenarios.write_text(
        '[gate]\ncalibration = "gate-2026"\n[bare]\ncalibration = "none"\n', encoding="utf-8"
    )
    return read_settings(weights_dir=weights, scenarios_file=scenarios)


def picture(name: str):
    return decode((PICTURES / name).read_bytes())


def test_the_scenario_that_names_it_is_calibrated_and_no_other(settings):
    service = open_service(settings)
    pair = (picture("obama_1.jpg"), picture("obama_2.jpg"))
    named, plain = service.compare(*pair, "gate"), service.compare(*pair)

    calibration = load_calibration(settings.weights_dir / MODEL, "gate-2026", MODEL_ID)
    expected = calibration.probability([named.similarity])[0]
    assert named.probability == pytest.approx(expected, abs=1e-6)
    assert plain.probability == pytest.approx(plain.probability_interval[0], abs=0.2)
    assert plain.probability != named.probability


def test_a_scenario_that_wants_no_probabilities_gets_none(settings):
    found = open_service(settings).compare(picture("obama_1.jpg"), picture("obama_2.jpg"), "bare")
    assert found.probability is None
    assert found.scenario.calibration == "none"


def test_a_calibration_changed_by_hand_or_missing_is_no_start(settings):
    path = settings.weights_dir / MODEL / "calibration" / "gate-2026.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("gate-2026", "gate-2027"))
    with pytest.raises(ChecksumError):
        open_service(settings)
    path.unlink()
    with pytest.raises(CalibrationMissingError, match="gate-2026"):
        open_service(settings)
