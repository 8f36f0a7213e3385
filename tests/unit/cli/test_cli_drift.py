from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ood_face.bootstrap import open_drift
from ood_face.calibration.files import calibration_path, write_calibration_file
from ood_face.config import Settings
from ood_face.errors import ArtifactError, CalibrationMissingError, ConfigError
from ood_face.types import Observation, Verdict
from tests.unit.calibration.calibrations import calibration, people


@pytest.fixture
def data_dir(monkeypatch, tmp_path) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(folder))
    return folder


def watched(data_dir: Path, count: int, low: float, high: float, labels: int = 0) -> None:
    """Let a server's drift watch see comparisons, and end."""
    rng = np.random.default_rng(0)
    settings = Settings(data_dir=data_dir, drift_reference_pictures=500)
    with closing(open_drift(settings, "fake-1")) as drift:
        for score in rng.uniform(low, high, count).tolist():
            drift.observe(Observation("identify", 0.5, (score,), Verdict.SAME))
        for _ in range(labels):
            drift.labelled(0.9, same=bool(rng.random() < 0.5))


def test_a_server_that_never_ran_has_watched_nothing(run, data_dir):
    result = run("drift", "status")
    assert (result.exit_code, result.stdout.startswith("Nothing was watched yet")) == (0, True)
    assert run("drift", "status", "--json").stdout == "null\n"
    assert not data_dir.exists()


def test_the_table_names_what_has_drifted(run, data_dir):
    watched(data_dir, 700, 0.6, 0.9)
    watched(data_dir, 200, 0.2, 0.5, labels=200)
    result = run("drift", "status")
    assert result.exit_code == 0, result.stderr
    scores = next(line for line in result.stdout.splitlines() if line.startswith("ood_score"))
    assert "drifted" in scores
    assert "Calibration: drifted; expected calibration error 0.4" in result.stdout
    assert "已漂移" in run("drift", "status", "--lang", "zh").stdout


def test_the_json_has_every_figure(run, data_dir):
    watched(data_dir, 700, 0.6, 0.9, labels=3)
    found = json.loads(run("drift", "status", "--json").stdout)
    assert found["drifted"] == []
    assert [signal["state"] for signal in found["signals"]] == ["stable", "learning", "stable"]
    assert found["signals"][0]["psi"] < found["signals"][0]["psi_threshold"]
    assert (found["calibration"]["items"], found["calibration"]["needed"]) == (3, 200)
    assert found["verdicts"]["same"] == 1.0


def test_a_file_that_was_edited_is_told(run, data_dir):
    watched(data_dir, 10, 0.6, 0.9)
    path = data_dir / "drift.json"
    path.write_text(path.read_text().replace("fake-1", "fake-2"))
    result = run("drift", "status")
    assert result.exit_code == 8
    assert "was changed after it was written" in result.stderr


def test_a_webhook_must_be_allowed(data_dir):
    url = "https://alerts.example/drift"
    with pytest.raises(ConfigError, match="does not allow"):
        open_drift(Settings(data_dir=data_dir, drift_webhook_url=url), "fake-1")
    allowed = Settings(
        data_dir=data_dir,
        drift_webhook_url=url,
        drift_webhook_hosts="other.example, alerts.example",
    )
    open_drift(allowed, "fake-1").close()


def test_a_calibration_that_is_not_there_is_told(data_dir, tmp_path):
    settings = Settings(data_dir=data_dir, weights_dir=tmp_path, drift_calibration="door")
    with pytest.raises(ArtifactError, match="no calibration door"):
        open_drift(settings, "fake@1")


def keep_calibration(weights_dir: Path, **changes) -> None:
    made = calibration(people(**changes), name="door")
    path = calibration_path(weights_dir / "made-up", "door")
    path.parent.mkdir(parents=True)
    write_calibration_file(path, made)


def test_the_scores_of_a_calibration_are_the_reference(data_dir, tmp_path):
    quantiles = np.linspace(0.5, 0.9, 21).tolist()
    about = {"source": "made up", "people": 60, "pictures_with_a_face": 800}
    keep_calibration(tmp_path, about=about, reference={"ood_score": quantiles})
    settings = Settings(data_dir=data_dir, weights_dir=tmp_path, drift_calibration="door")
    with closing(open_drift(settings, "made-up@1")) as drift:
        score, similarity, _ = drift.status().signals
    assert (score.state, score.reference_source, score.reference_count) == ("filling", "door", 800)
    assert (similarity.state, similarity.reference_needed) == ("learning", 1000)


def test_a_calibration_without_scores_is_no_reference(data_dir, tmp_path):
    keep_calibration(tmp_path)
    settings = Settings(data_dir=data_dir, weights_dir=tmp_path, drift_calibration="door")
    with pytest.raises(CalibrationMissingError, match="calibration door has no scores"):
        open_drift(settings, "made-up@1")
