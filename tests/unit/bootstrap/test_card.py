from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ood_face.bootstrap import read_model_card
from ood_face.config import Settings
from ood_face.errors import ArtifactError, WeightsMissingError

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "tiny@1"
PAIRS = {
    "subjects": 20,
    "mated_pairs": 60,
    "impostor_pairs": 40,
    "accuracy": 0.9,
    "accuracy_interval": [0.8, 0.95],
    "at_threshold": {
        "0.45": {"fmr": 0.01, "fmr_interval": [0, 0.05], "fnmr": 0.2, "fnmr_interval": [0.1, 0.3]}
    },
}
REPORT = {
    "model_id": MODEL,
    "model": {"weights_bytes": 1_500_000},
    "verification": {"cfp_ff": PAIRS},
    "calibration": {"expected_calibration_error": 0.02},
    "conformance": [{"passed": True}, {"passed": False}, {"passed": True}],
}


@pytest.fixture
def settings(tmp_path) -> Settings:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "manifest.toml").write_text(
        '[models.tiny]\nkind = "embedder"\nversion = "1"\nlicense = "free"\nsource = "ours"\n'
        "[models.tiny.files]\n",
        encoding="utf-8",
    )
    return Settings(weights_dir=tmp_path)


def write(settings: Settings, name: str, document: object) -> Path:
    path: Path = settings.weights_dir / "tiny" / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_card_says_what_the_reports_say(settings):
    write(settings, "report.json", REPORT)
    stages = [{"images": 100}, {"images": 50}]
    write(settings, "training.json", {"stages": stages, "parameters": 7})
    card = read_model_card(settings, MODEL, 0.45)

    assert (card.license, card.source) == ("free", "ours")
    assert (card.weights_bytes, card.parameters, card.trained_pictures) == (1_500_000, 7, 150)
    assert (card.checks_met, card.checks, card.calibration_error) == (2, 3, 0.02)
    (tested,) = card.tested
    assert (tested.name, tested.people, tested.pairs) == ("cfp_ff", 20, 100)
    assert (tested.accuracy, tested.accuracy_interval) == (0.9, (0.8, 0.95))
    assert (tested.threshold, tested.false_match_rate, tested.false_non_match_rate) == (
        0.45,
        0.01,
        0.2,
    )


def test_rates_at_a_threshold_that_was_not_measured_are_left_out(settings):
    write(settings, "report.json", REPORT)
    (tested,) = read_model_card(settings, MODEL, 0.5).tested

    assert tested.threshold is None


def test_without_a_report_the_manifest_speaks_alone(settings):
    card = read_model_card(settings, MODEL, 0.45)

    assert (card.license, card.tested, card.checks) == ("free", (), 0)


@pytest.mark.parametrize(
    "document", [[], "text", {}, {**REPORT, "model_id": "other@1"}, {**REPORT, "verification": 3}]
)
def test_a_broken_report_or_that_of_another_model_is_named(settings, document):
    path = write(settings, "report.json", document)
    if document == {}:
        path.write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"report\.json") as caught:
        read_model_card(settings, MODEL, 0.45)

    assert caught.value.key == "artifacts.bad_report"


def test_a_model_that_is_not_in_the_manifest_is_an_error(settings):
    with pytest.raises(WeightsMissingError):
        read_model_card(settings, "other@1", 0.45)


def test_the_shipped_model_has_a_card():
    card = read_model_card(Settings(), "rts-r18@2", 0.45)

    assert {tested.name for tested in card.tested} == {"cfp_ff", "cfp_fp"}
    assert all(tested.threshold == 0.45 for tested in card.tested)
    assert card.parameters is not None
    assert card.parameters > 1_000_000
