"""The curve from variance to score: its direction, its file, its refusals."""

from pathlib import Path

import numpy as np
import pytest

from ood_face.calibration.score import fit_score_curve, write_calibration
from ood_face.embedding.score import ScoreCurve, load_score_curve
from ood_face.errors import ArtifactError, CalibrationMissingError, OodFaceError

KNOTS = (np.array([-1.0, 0.0, 2.0]), np.array([0.9, 0.6, 0.0]))


def write(path: Path, model: str = "m") -> Path:
    write_calibration(path, model, "1", KNOTS, {"data": "none", "probes": 3})
    return path


def test_round_trip(tmp_path: Path) -> None:
    curve = load_score_curve(write(tmp_path / "c.toml"), "m")
    scores = curve(np.exp([-5.0, -1.0, 0.0, 1.0, 2.0, 9.0]))
    assert scores == pytest.approx([0.9, 0.9, 0.6, 0.3, 0.0, 0.0])
    assert scores.dtype == np.float32


def test_a_larger_variance_never_scores_better() -> None:
    curve = ScoreCurve(*KNOTS, "1")
    variances = np.sort(np.random.default_rng(0).lognormal(0, 3, 500))
    assert (np.diff(curve(variances)) <= 0).all()


def test_no_file_and_another_model(tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissingError, match="cannot be read"):
        load_score_curve(tmp_path / "none.toml", "m")
    path = write(tmp_path / "c.toml")
    with pytest.raises(CalibrationMissingError, match="belongs to model m, not to other"):
        load_score_curve(path, "other")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 7"),
        ("0.600000", "0.950000"),  # rises
        ("0.900000", "1.900000"),  # outside 0..1
        ("[score_curve]", "[another]"),
        ("0.000000, 2.000000", "nan, 2.000000"),
        ("scores = [", "scores = [0.95, "),
        ("format", "= format"),
    ],
)
def test_a_file_edited_by_hand_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = write(tmp_path / "c.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ArtifactError):
        load_score_curve(path, "m")
    assert issubclass(ArtifactError, OodFaceError)


def test_fit_recovers_the_probability() -> None:
    rng = np.random.default_rng(1)
    logs = rng.uniform(-1, 3, 20_000)
    truth = 1 / (1 + np.exp(2 * (logs - 1)))
    matched = rng.random(20_000) < truth
    curve = ScoreCurve(*fit_score_curve(np.exp(logs), matched), "1")
    grid = np.linspace(-0.8, 2.8, 30)
    expected = 1 / (1 + np.exp(2 * (grid - 1)))
    assert np.abs(curve(np.exp(grid)) - expected).max() < 0.06


def test_fit_refuses_too_little_and_one_kind() -> None:
    with pytest.raises(ValueError, match="2000 samples, got 10"):
        fit_score_curve(np.ones(10), np.ones(10, bool))
    with pytest.raises(ValueError, match="alike"):
        fit_score_curve(np.linspace(1, 2, 3000), np.ones(3000, bool))
