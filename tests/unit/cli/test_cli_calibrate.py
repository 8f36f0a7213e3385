"""``ood-face calibrate`` over fake networks: what it writes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ood_face.calibration import plots
from ood_face.calibration.files import load_calibration
from ood_face.cli import bench
from ood_face.evaluation import intervals
from tests.fakes import fake_service, write_people
from tests.unit.calibration.calibrations import people as made_up
from tests.unit.cli.test_cli_evaluate import MANIFEST, CountingRts

MODEL = "weights/made-up"


@pytest.fixture
def calibrate(run, monkeypatch):
    (run.folder / MODEL).mkdir(parents=True)
    (run.folder / "weights" / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    fake = CountingRts("made-up@1")
    monkeypatch.setattr(bench, "open_service", lambda settings: fake_service(embedder=fake))  # noqa: ARG005
    monkeypatch.setattr(bench, "open_rts_embedder", lambda settings: fake)  # noqa: ARG005
    monkeypatch.setattr(intervals, "RESAMPLES", 40)
    data = made_up()
    groups = np.stack([data.first, data.second], axis=1)
    np.savez(run.folder / "scores.npz", scores=data.values, labels=data.labels, groups=groups)

    def call(*arguments: str, source: str = "scores.npz"):
        return run("calibrate", "--model-dir", MODEL, "--calib-data", source, *arguments)

    return call


@pytest.fixture
def folder(run) -> Path:
    return write_people(run.folder / "people", noise=45)


def test_scores_become_a_calibration_beside_the_model(calibrate):
    result = calibrate("--name", "gate-2026")
    assert result.exit_code == 0, result.stderr
    path = Path(MODEL, "calibration", "gate-2026.toml")
    assert str(path) in result.stdout
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert 'calibration = "gate-2026"' in result.stdout
    assert "30 people" in result.stdout
    found = load_calibration(Path(MODEL), "gate-2026", "made-up@1")
    assert found.scaling.method == "vector"
    assert found.input.zero_at == pytest.approx(0.4)
    low, high = found.probability([0.0, 0.6])
    assert low < 0.1
    assert high > 0.9


def test_pictures_are_measured_and_split_by_person(calibrate, folder):
    result = calibrate("--output-config", "door.toml", "--aligned", "--json", source=str(folder))
    assert result.exit_code == 0, result.stderr
    body = json.loads(result.stdout)
    assert body["files"] == ["door.toml", "door.png"]
    assert (body["name"], body["model_id"]) == ("door", "made-up@1")
    assert (body["data"]["people"], body["data"]["pictures"]) == (24, 96)
    assert (body["fit"]["people"], body["test"]["people"]) == (12, 12)
    assert body["fit"]["rows_of_each_label"][1] == 12 * 6
    assert len(body["data"]["fingerprint"]) == 64
    assert body["reference"].keys() == {
        "similarity_of_one_person",
        "similarity_of_two_people",
        "ood_score",
    }
    assert "features of all faces" in result.stderr


def test_pairs_in_a_list_are_calibrated_on(calibrate, folder):
    rows = ["image_a,image_b,same"]
    for p in range(24):
        rows += [f"p{p:02}/{i}.png,p{p:02}/{j}.png,1" for i in range(4) for j in range(i)]
        rows += [f"p{p:02}/{i}.png,p{q:02}/{i}.png,0" for i in range(4) for q in range(p)]
    (folder / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    result = calibrate("--name", "list", "--aligned", "--json", source=str(folder / "pairs.csv"))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["data"]["pairs"] == len(rows) - 1


def test_logits_of_several_classes(calibrate):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (1000, 4))
    noise = rng.gumbel(0, 2, (1000, 4))
    np.savez("logits.npz", logits=logits, labels=(logits + noise).argmax(axis=1))
    result = calibrate("--name", "classes", source="logits.npz")
    assert result.exit_code == 0, result.stderr
    found = load_calibration(Path(MODEL), "classes", "made-up@1")
    assert found.scaling.method == "temperature"
    assert found.scaling.parameters()["temperature"] == pytest.approx(2, rel=0.2)


def test_it_speaks_chinese(calibrate):
    result = calibrate("--name", "gate", "--lang", "zh")
    assert "标定误差" in result.stdout
    result = calibrate("--name", "none", "--lang", "zh")
    assert "不能用作标定名" in result.stderr


def test_a_calibration_is_replaced_but_no_other_file(calibrate):
    assert calibrate("--name", "gate").exit_code == 0
    assert calibrate("--name", "gate", "--method", "temperature").exit_code == 0
    assert load_calibration(Path(MODEL), "gate", "made-up@1").scaling.method == "temperature"
    for text in ("[score_curve]\nscores = [1]\n", "no TOML at all"):
        Path("mine.toml").write_text(text, encoding="utf-8")
        result = calibrate("--output-config", "mine.toml")
        assert (result.exit_code, "is not replaced" in result.stderr) == (7, True)
        assert Path("mine.toml").read_text(encoding="utf-8") == text


def test_one_that_was_edited_is_made_anew(calibrate):
    assert calibrate("--name", "gate").exit_code == 0
    path = Path(MODEL, "calibration", "gate.toml")
    edited = path.read_text(encoding="utf-8").replace("prior = 0.5", "prior = 0.7")
    path.write_text(edited, encoding="utf-8")
    assert calibrate("--name", "gate").exit_code == 0
    assert load_calibration(Path(MODEL), "gate", "made-up@1").prior == 0.5


def test_a_refusal_keeps_the_old_calibration(calibrate):
    assert calibrate("--name", "gate").exit_code == 0
    path = Path(MODEL, "calibration", "gate.toml")
    before = path.read_bytes()
    np.savez("few.npz", scores=np.linspace(0, 1, 12), labels=np.arange(12) % 2)
    result = calibrate("--name", "gate", "--json", source="few.npz")
    assert result.exit_code == 7
    error = json.loads(result.stderr.splitlines()[-1])["error"]
    assert (error["code"], error["exit_code"]) == ("calibrate.few_people", 7)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["gate.png", "gate.toml"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "--name"),
        (("--name", "gate", "--method", "magic"), 2, "magic"),
        (("--name", "../gate"), 2, "cannot name a calibration"),
        (("--name", "gate", "--scenario", "moon"), 2, "no scenario 'moon'"),
        (("--name", "gate", "--prior", "1"), 2, "between 0 and 1"),
        (("--output-config", "gate.json"), 2, "must end in .toml"),
        (("--output-config", "missing/gate.toml"), 7, "cannot be written"),
        (("--output-config", f"{MODEL}/calibration/a.toml", "--name", "b"), 2, "called b.toml"),
        (("--name", "gate", "--calib-data", "people.txt"), 7, "neither a folder"),
        (("--name", "gate", "--calib-data", "none.npz"), 7, "No such file"),
        (("--name", "gate", "--calib-data", "none.csv"), 7, "No such file"),
        (("--name", "gate", "--model-dir", "weights/other"), 8, "no model other"),
        (("--name", "gate", "--model-dir", "nowhere/made-up"), 8, "manifest.toml"),
    ],
)
def test_what_cannot_be_done_is_said(calibrate, options, code, words):
    result = calibrate(*options)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert not list(Path().rglob("gate*"))


def test_the_plot_shows_both_diagrams(calibrate):
    assert calibrate("--name", "gate").exit_code == 0
    report = load_calibration(Path(MODEL), "gate", "made-up@1").report
    plots.draw_reliability(report, Path("again.png"))
    drawn = Path(MODEL, "calibration", "gate.png").read_bytes()
    assert Path("again.png").read_bytes() == drawn
