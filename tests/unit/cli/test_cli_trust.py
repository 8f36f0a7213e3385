"""``trust`` over fake networks: what it prints, writes, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ood_face.calibration.files import load_calibration
from ood_face.cli import bench
from ood_face.evaluation import intervals
from ood_face.matching import load_scenarios
from ood_face.types import Scenario
from tests.fakes import fake_service, png, write_people
from tests.unit.cli.test_cli_evaluate import MANIFEST, CountingRts


@pytest.fixture
def trust(run, monkeypatch):
    weights = run.folder / "weights"
    (weights / "made-up").mkdir(parents=True)
    (weights / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    fake = CountingRts("made-up@1")
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(weights))
    monkeypatch.setattr(bench, "open_service", lambda settings: fake_service(embedder=fake))  # noqa: ARG005
    monkeypatch.setattr(bench, "open_rts_embedder", lambda settings: fake)  # noqa: ARG005
    monkeypatch.setattr(intervals, "RESAMPLES", 40)

    def call(*arguments: str, source: str = "people"):
        return run("trust", source, "--aligned", "--out", "report", *arguments)

    return call


@pytest.fixture
def people(run) -> Path:
    return write_people(run.folder / "people", noise=60)


@pytest.mark.usefixtures("people")
def test_it_prints_the_figures_and_names_the_files(trust):
    result = trust("--fmr", "0.01", "--fmr", "0.0001")
    assert result.exit_code == 0, result.stderr
    assert "96 pictures, 96 with a face, of 24 people" in result.stdout
    assert "similarity above (95 % interval)" in result.stdout
    assert "needs 30000 pairs of two people (rule of 3), there are 4416" in result.stdout
    assert "Error versus discard" not in result.stdout  # made: nothing to say
    assert "P(same) of the model: not measured, the model made-up@1 has no P(same)" in (
        result.stdout
    )
    listed = [line for line in result.stdout.splitlines() if line.startswith("report/")]
    assert listed == [str(path) for path in map(Path, listed) if path.is_file()]
    assert "report/det.png" in listed
    assert "features of all faces" in result.stderr


@pytest.mark.usefixtures("people")
def test_it_speaks_chinese(trust):
    result = trust("--fmr", "0.01", "--lang", "zh")
    assert result.exit_code == 0, result.stderr
    assert "共 24 人" in result.stdout
    assert "没有可评判的 P(same)" in result.stdout


@pytest.mark.usefixtures("people")
def test_json_is_what_the_report_holds_and_the_files(trust):
    result = trust("--json", "--fmr", "0.01")
    body = json.loads(result.stdout)
    files = body.pop("files")
    assert body == json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    assert sorted(files) == sorted(str(path) for path in Path("report").iterdir())


def test_a_list_of_pairs_is_a_source(trust, people):
    rows = ["image_a,image_b,same"]
    for p in range(24):
        rows += [f"p{p:02}/{i}.png,p{p:02}/{j}.png,1" for i in range(4) for j in range(i)]
        rows += [f"p{p:02}/{i}.png,p{q:02}/{i}.png,0" for i in range(4) for q in range(p)]
    (people / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    result = trust("--json", "--fmr", "0.01", source="people/pairs.csv")
    assert result.exit_code == 0, result.stderr
    body = json.loads(result.stdout)
    assert (body["mated_pairs"], body["impostor_pairs"]) == (24 * 6, 4 * 24 * 23 // 2)


@pytest.mark.usefixtures("people")
def test_calibration_and_threshold_are_kept_on_request(trust):
    Path("mine.toml").write_text("[lobby]\nsame_above = 0.6\n", encoding="utf-8")
    options = (
        "--fmr",
        "0.1",
        "--fmr",
        "0.01",
        "--save-as",
        "door",
        "--scenarios-file",
        "mine.toml",
    )
    result = trust("--json", *options)
    assert result.exit_code == 0, result.stderr
    body = json.loads(result.stdout)
    rows = [row for row in body["operating_points"]["rows"] if row["fmr"] == 0.01]
    usable = [row["threshold"] for row in rows if row["refused"] is None]
    scenarios = load_scenarios(Path("mine.toml"))
    assert scenarios["door"].same_above == usable[-1]
    assert scenarios["lobby"] == Scenario("lobby", same_above=0.6)
    assert body["files"][-1] == "mine.toml"

    assert trust("--calibration", "own").exit_code == 0
    assert (
        load_calibration(Path("weights/made-up"), "own", "made-up@1").report["data"]["people"] == 24
    )


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--fmr", "0"), 7, "above 0 and below 1"),
        (("--scenario", "moon"), 2, "no scenario 'moon'"),
        (("--save-as", "door"), 2, "--save-as needs --fmr"),
        (("--save-as", "door", "--fmr", "0.1"), 2, "needs --scenarios-file"),
        (("--out", "missing/report"), 7, "cannot take the report"),
        (("--calibration", "../own"), 2, "cannot name a calibration"),
    ],
)
def test_what_cannot_be_done_is_said(trust, options, code, words):
    result = trust(*options)
    said = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, words in said) == (code, True), result.stderr
    assert not list(Path("weights").rglob("*.toml"))[1:]


@pytest.mark.parametrize("name", ["a b", "lobby"])
def test_a_scenario_that_could_not_be_added_is_refused_before_anything_is_measured(trust, name):
    Path("mine.toml").write_text("[lobby]\nsame_above = 0.6\n", encoding="utf-8")
    result = trust("--fmr", "0.01", "--save-as", name, "--scenarios-file", "mine.toml")
    assert (result.exit_code, Path("report").exists()) == (8, False)
    assert name in result.stderr


def test_what_is_no_source_is_refused(trust):
    result = trust(source="nowhere")
    assert (result.exit_code, "nowhere is neither a folder" in result.stderr) == (7, True)
    assert not Path("report").exists()


def test_people_of_whom_nothing_can_be_said_are_refused(trust, run):
    for person in range(2):
        place = run.folder / "two" / f"p{person}"
        place.mkdir(parents=True)
        (place / "0.png").write_bytes(png(np.full((112, 112, 3), 40 * person, np.uint8)))
    result = trust(source="two")
    assert (result.exit_code, "has two pictures with a face" in result.stderr) == (7, True)
    assert not Path("report").exists()
