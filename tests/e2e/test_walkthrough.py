"""From a folder of 20 people to a calibrated scenario, with the real commands and the real model.

The people are made up: smooth mixtures and bends of free pictures of three real ones. The commands,
the files and the model are real; the figures mean nothing. Figures of real people stand in
``ood_face/calibration/README.md``.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ood_face import open_service
from ood_face.bootstrap import open_scenarios, read_settings
from ood_face.calibration.files import load_calibration
from ood_face.imaging import align_face, decode
from ood_face.matching.probability import load_same_model
from ood_face.types import Comparison, Policy, Verdict
from tests.fakes.made_people import write_people

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests" / "pictures"
MODEL, MODEL_ID = "rts-r18", "rts-r18@2"
FREE = ("astronaut.jpg", "biden_1.jpg", "obama_1.jpg", "obama_2.jpg", "obama_3.jpg")
PEOPLE, EACH = 20, 6
FMR = 0.01
PLOTS = ("det", "discard", "reliability", "same", "scores", "similarities")


@dataclass(frozen=True)
class Walk:
    """Where it went, and what was printed on the way."""

    folder: Path
    trust: dict[str, Any]
    calibrate: dict[str, Any]
    points: dict[str, Any]
    fitted: dict[str, Any]
    compared: dict[str, Comparison]


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Walk:
    folder = tmp_path_factory.mktemp("walk")
    shutil.copytree(ROOT / "weights", folder / "weights")
    make_people(folder / "people")
    list_pairs(folder / "people")
    trust = ood_face(folder, "trust", "people", "--aligned", "--out", "report", "--fmr", str(FMR))
    calibrate = ood_face(
        folder, "calibrate", "--model-dir", f"weights/{MODEL}", "--calib-data", "people",
        "--aligned", "--name", "twenty-people",
    )  # fmt: skip
    points = ood_face(
        folder, "operating-points", "people", "--aligned", "--fmr", str(FMR),
        "--save-as", "found", "--scenarios-file", "mine.toml",
    )  # fmt: skip
    fitted = ood_face(
        folder, "weights", "fit-probability", "--pairs", "people/pairs.csv", "--aligned",
        "--out", "ours.toml",
    )  # fmt: skip
    decide_by_probability(folder / "mine.toml")
    return Walk(folder, trust, calibrate, points, fitted, compare(folder))


def make_people(folder: Path) -> None:
    service = open_service(read_settings())
    crops = []
    for name in FREE:
        image = decode((PICTURES / name).read_bytes())
        crops.append(align_face(image, service.detect(image)[0]).crop)
    write_people(folder, crops, PEOPLE, EACH)


def list_pairs(folder: Path) -> None:
    """List as few pairs as P(same) can be fitted to: it measures each of them degraded, too."""
    names = [[f"p{person:02}/{index}.png" for index in range(EACH)] for person in range(PEOPLE)]
    rows = [(*pair, 1) for own in names for pair in list(combinations(own, 2))[:6]]
    others = [(names[a][i % EACH], names[b][i % EACH], 0)
              for i, (a, b) in enumerate(2 * list(combinations(range(PEOPLE), 2)))]  # fmt: skip
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("image_a", "image_b", "same"), *rows, *others])


def decide_by_probability(file: Path) -> None:
    """Add, by hand as an operator would, a scenario that the new calibration decides."""
    threshold = re.search(r"same_above = (\S+)", file.read_text(encoding="utf-8"))
    assert threshold is not None
    lines = ["", "[door]", f"same_above = {threshold[1]}", "different_below = 0.1"]
    lines += ['policy = "probability"', 'calibration = "twenty-people"', "recapture_below = 0.0"]
    with file.open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def ood_face(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the command in a folder, with a weights folder of its own; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "ood_face.cli", *arguments, "--json"],
        cwd=folder,
        env={**os.environ, "OOD_FACE_WEIGHTS_DIR": "weights", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def settings(folder: Path, **changes: object):
    return read_settings(
        weights_dir=folder / "weights", scenarios_file=folder / "mine.toml", **changes
    )


def compare(folder: Path) -> dict[str, Comparison]:
    service = open_service(settings(folder))
    one, same, other = (
        decode((PICTURES / name).read_bytes())
        for name in ("obama_1.jpg", "obama_2.jpg", "biden_1.jpg")
    )
    return {
        "same": service.compare(one, same, "door"),
        "other": service.compare(one, other, "door"),
        "found": service.compare(one, same, "found"),
    }


def test_the_model_tells_the_made_up_people_apart_on_the_whole(walk):
    table = walk.trust["similarities"]["table"]
    middle = (np.array(table["similarity_from"]) + table["similarity_to"]) / 2
    mated, impostor = (
        np.repeat(middle, table[f"pairs_of_{kind}"]) for kind in ("one_person", "two_people")
    )
    assert (len(mated), len(impostor)) == (300, 6840)
    assert np.mean(mated[:, None] > impostor[None, :]) > 0.9
    assert np.median(mated) > np.quantile(impostor, 0.95)


def test_the_report_has_every_section_and_plots_that_show_something(walk):
    assert walk.trust["people"] == PEOPLE
    for name in (*PLOTS, "operating_points"):
        assert "not_measured" not in walk.trust[name], walk.trust[name]
    for name in PLOTS:
        path = walk.folder / "report" / f"{name}.png"
        assert 5_000 < path.stat().st_size < 200_000
        with Image.open(path) as image:
            assert (image.format, image.width >= 600, image.height >= 400) == ("PNG", True, True)
    assert sorted(walk.trust["files"]) == sorted(
        f"report/{path.name}" for path in (walk.folder / "report").iterdir()
    )


def test_the_calibration_is_better_than_none_and_stands_its_check(walk):
    assert walk.calibrate["after"]["ece"] < walk.calibrate["before"]["ece"]
    assert walk.calibrate["data"]["people"] == PEOPLE
    model = walk.folder / "weights" / MODEL
    found = load_calibration(model, "twenty-people", MODEL_ID)
    assert found.report["data"]["fingerprint"] == walk.calibrate["data"]["fingerprint"]
    assert (model / "calibration" / "twenty-people.png").read_bytes().startswith(b"\x89PNG")
    # the report of `trust` judged the very same calibration
    reported = walk.trust["reliability"]
    assert reported["parameters"] == walk.calibrate["parameters"]
    assert reported["after"]["ece"]["value"] == walk.calibrate["after"]["ece"]


def test_the_weights_are_those_that_were_shipped(walk):
    checked = ood_face(walk.folder, "weights", "verify")
    assert [row for row in checked if row["problem"] is not None] == []


def test_the_threshold_is_that_of_the_report_and_became_a_scenario(walk):
    without, gated = walk.points["without_gate"], walk.points["with_gate"]
    rows = walk.trust["operating_points"]["rows"]
    assert [row["threshold"] for row in rows] == [
        without["threshold"]["value"],
        None if gated is None else gated["threshold"]["value"],
    ]
    scenarios = open_scenarios(settings(walk.folder))
    assert scenarios["found"].same_above == (gated or without)["threshold"]["value"]
    assert scenarios["found"].policy == Policy.SIMILARITY


def test_p_same_is_fitted_to_the_people(walk):
    assert walk.fitted["people"] == PEOPLE
    model = load_same_model(walk.folder / "ours.toml", MODEL_ID)
    low, high = (model.probability(s, 0.9, 0.9, 0.5).value for s in (0.0, 0.8))
    assert low < 0.5 < high
    service = open_service(settings(walk.folder, probability_file=walk.folder / "ours.toml"))
    assert service.same_model.weights == pytest.approx(model.weights)


def test_the_scenario_decides_by_the_new_calibration(walk):
    calibration = load_calibration(walk.folder / "weights" / MODEL, "twenty-people", MODEL_ID)
    for name, verdict in (("same", Verdict.SAME), ("other", Verdict.DIFFERENT)):
        found = walk.compared[name]
        assert (found.scenario.name, found.scenario.policy) == ("door", Policy.PROBABILITY)
        expected = calibration.probability([found.similarity])[0]
        assert found.probability == pytest.approx(expected, abs=1e-6)
        assert found.verdict == verdict
    assert walk.compared["same"].probability > walk.compared["other"].probability
    # another scenario of the same file goes on deciding by the similarity
    assert walk.compared["found"].scenario.policy == Policy.SIMILARITY
    assert walk.compared["found"].verdict == Verdict.SAME
