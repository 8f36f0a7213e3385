"""The whole report over a made-up model, and what is written from it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ood_face.evaluation import datasets, intervals, report
from ood_face.evaluation.card import evaluation_page, model_card
from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet
from ood_face.evaluation.instruments import Instruments, sharpness
from ood_face.evaluation.plots import draw_plots
from ood_face.evaluation.report import NO_SCORE, build_report, costs_ms
from ood_face.types import Scenario

PEOPLE, EACH = 26, 4
SCENARIO = Scenario("default", same_above=0.9, different_below=0.5)
ABOUT = {
    "model_id": "made-up@1",
    "quality_score": "calibrated",
    "command": "ood-face evaluate --folders people",
    "model": {"weights_bytes": 1000, "files": {}},
    "data": {"pictures": 105, "faces": 104, "subjects": 26, "pairs": "all"},
}
TRAINING = {
    "stages": [
        {
            "stage": "distill",
            "images": 900,
            "curve": [{"images": 900, "cfp_ff": 0.9, "cfp_fp": 0.7}],
        }
    ],
    "parameters": 5_000_000,
    "speed": [{"network": "made-up", "ms a face": 3}],
}


def made_up_people() -> NDArray[np.uint8]:
    rng = np.random.default_rng(5)
    crops = []
    for _ in range(PEOPLE):
        base = rng.integers(40, 216, (8, 8, 3)).astype(np.float32)
        for _ in range(EACH):
            own = cv2.resize(base + rng.normal(0, 90, base.shape).astype(np.float32), (112, 112))
            crops.append(np.clip(own + rng.normal(0, 4, own.shape), 0, 255).astype(np.uint8))
    return np.stack(crops)


def measure(crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    small = np.stack([cv2.resize(c, (13, 13), interpolation=cv2.INTER_AREA) for c in crops])
    flat = small.reshape(len(crops), -1)[:, :507] / 127.5 - 1
    feature = np.concatenate([flat, np.full((len(crops), 5), 0.01)], axis=1)
    # sharper is better: monotone in blur, and wrong about noise
    return feature.astype(np.float32), (1 / (1 + sharpness(crops))).astype(np.float32)


def curve(variances: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(np.exp(-20 * variances), np.float32)


def doubts(crops: NDArray[np.uint8]) -> dict[str, NDArray[np.floating]]:
    return {"mc_dropout_variance": crops.std(axis=(1, 2, 3)), "entropy": crops.mean(axis=(1, 2, 3))}


def detector(crops: NDArray[np.uint8]) -> dict[str, NDArray[np.floating]]:
    return {"probability": crops.max(axis=(1, 2, 3)) / 255}


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Measure as little as the figures allow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "MAX_CLEAN_FACES", 13)
        patch.setattr(intervals, "RESAMPLES", 60)
        patch.setattr(datasets, "IMPOSTOR_PAIRS", 3000)
        yield


@pytest.fixture(scope="module")
def data() -> TestData:
    labels = np.repeat(np.arange(PEOPLE), EACH)
    pairs = datasets._draw_pairs(labels)
    faces = FaceSet(made_up_people(), tuple(f"{i}.png" for i in range(len(labels))), labels)
    everything = np.ones(len(labels), bool)
    probes = {"pictures": everything}
    nobody = np.empty(0, np.int64)
    return TestData(faces, {"pairs": pairs}, everything, probes, "pairs", nobody, 105, "all")


@pytest.fixture(scope="module")
def full(data: TestData) -> dict[str, Any]:
    built = build_report(
        Instruments(measure, curve, doubts, detector), data, None, SCENARIO, ABOUT, TRAINING
    )
    return built | {"cost": {"threads": 1, "passes": 20, "ms_per_face": {"ood_score": 1.5}}}


def test_every_section_holds_figures(full: dict[str, Any]) -> None:
    json.dumps(full, allow_nan=False)
    rates = full["verification"]["pairs"]
    assert 0.8 < rates["accuracy"] < 1
    assert rates["accuracy_interval"][0] <= rates["accuracy"] <= rates["accuracy_interval"][1]
    assert rates["at_fmr"]["0.001"]["tar"] > 0.1
    assert set(full["severity"]["kinds"]) >= {"blur", "motion_blur", "rotation", "crop"}
    assert full["severity"]["kinds"]["blur"]["share_falling_first_to_last"] > 0.9
    assert {"noise", "flat", "texture", "upside_down", "patch"} <= set(full["ood"])
    assert full["calibration"]["probes"] == PEOPLE * EACH
    assert set(full["uncertainty"]) == {
        "ood_score",
        "feature_norm",
        "laplacian_sharpness",
        "detector_probability",
        "mc_dropout_variance",
        "entropy",
    }
    names = {check["name"] for check in full["conformance"]}
    assert {"sign", "steps.blur", "far.noise", "discard.entropy", "calibration", "size"} <= names


def test_a_rate_that_the_pairs_cannot_support_is_not_stated(full: dict[str, Any]) -> None:
    point = full["verification"]["pairs"]["at_fmr"]["0.0001"]
    assert point["tar"] is None
    assert "needs 30000 impostor pairs, got 3000" in point["reason"]
    assert "needs 30000 impostor pairs, got 3000 (rule of 3)" in evaluation_page(full)


def test_the_card_shows_searches_in_a_gallery(full: dict[str, Any]) -> None:
    probes = full["identification"]["galleries"]["1"]["probes"]
    assert set(probes) == {"pictures", "degraded"}
    clean, gated = probes["pictures"]["without_gate"], probes["pictures"]["with_gate"]
    assert clean["at_fpir"]["0.1"]["fnir_interval"][0] <= clean["at_fpir"]["0.1"]["fnir"]
    page = evaluation_page(full, ["identification.png"])
    assert "## Identification in a gallery (open set)" in page
    assert f"| pictures | 1 | no | - | {100 * clean['rank1']:.1f} %" in page
    retaken = f"{100 * gated['retake_mated']:.1f} % / {100 * gated['retake_strangers']:.1f} %"
    assert f"| pictures | 1 | yes | {retaken} |" in page
    needed = "an FPIR of 0.01 needs 300 pictures of strangers, got 104 (rule of 3)"
    assert page.count(f"- {needed}") == 1
    assert f"{clean['mated_searches']} by enrolled people" in page


def test_discarding_by_the_truth_is_best(full: dict[str, Any]) -> None:
    methods = full["discard"]["methods"]
    areas = {name: f["area_to_20_percent"] for name, f in methods.items()}
    assert min(areas, key=lambda name: areas[name]) == "ideal"
    for f in methods.values():
        assert f["area_interval"][0] <= f["area_interval"][1]
    assert "larger_than_ood_score_by" in methods["feature_norm"]


def test_too_few_pairs_leave_sections_out_with_a_reason(data: TestData) -> None:
    few = data.faces.labels < 8
    faces = FaceSet(data.faces.crops[few], data.faces.names[:32], data.faces.labels[few])
    small = replace(
        data,
        faces=faces,
        pairs={"pairs": datasets._draw_pairs(faces.labels)},
        good=np.ones(32, bool),
        probes={"pictures": np.ones(32, bool)},
    )
    built = build_report(Instruments(measure, curve), small, None, SCENARIO, ABOUT, {})
    assert built["discard"]["methods"] is None
    assert "needs 3000" in built["calibration"]["reason"]
    built["cost"] = {"threads": 1, "passes": 20, "ms_per_face": {}}
    assert "Not stated: a false match rate of 0.001 needs 3000" in evaluation_page(built)
    assert "ships no dropout" in evaluation_page(built)
    assert "Not measured: it needs 10 people with 2 pictures or more" in evaluation_page(built)


def test_a_model_without_a_score_is_measured_for_the_rest(data: TestData) -> None:
    def plain(crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return measure(crops)[0], np.full(len(crops), np.nan, np.float32)

    about = ABOUT | {"quality_score": "none"}
    built = build_report(Instruments(plain, None), data, None, SCENARIO, about, {})
    assert built["severity"] == built["ood"] == built["calibration"] == {"reason": NO_SCORE}
    assert "ood_score" not in built["discard"]["methods"]
    assert built["verification"]["pairs"]["accuracy"] > 0.8
    built["cost"] = {"threads": 1, "passes": 20, "ms_per_face": {}}
    json.dumps(built, allow_nan=False)
    page = evaluation_page(built)
    assert "**The model gives no quality score.**" in page
    assert f"Not measured: {NO_SCORE}." in page


def test_the_card_shows_what_the_report_says(full: dict[str, Any]) -> None:
    card = model_card(full, TRAINING, ["det.png", "training.png"])
    assert card.startswith("# made-up@1")
    missed = [check for check in full["conformance"] if not check["passed"]]
    assert missed, "the made-up score is wrong about noise"
    assert f"{len(full['conformance']) - len(missed)} of {len(full['conformance'])} checks" in card
    for check in missed:
        assert f"| {check['says']} | {check['value']:.4g} |" in card
    assert card.count("**no**") >= len(missed)
    assert "![DET curves](plots/det.png)" in card
    assert "plots/discard.png" not in card
    assert "| distill | 900 | - | 90.0 % | 70.0 % |" in card
    assert "| made-up | 3 |" in card
    assert card.count("`ood-face evaluate --folders people`") >= 7


def test_plots_are_drawn_from_the_report_alone(full: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "training.png").write_bytes(b"of an earlier run")
    read_back = json.loads(json.dumps(full))
    plots = draw_plots(read_back, {}, tmp_path)
    names = [path.name for path in plots]
    assert names == [
        "det.png",
        "identification.png",
        "discard.png",
        "severity.png",
        "scores.png",
        "reliability.png",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for path in plots:
        image = cv2.imread(str(path))
        assert image.shape[:2] == (484, 704)
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20
    assert draw_plots(read_back, TRAINING, tmp_path)[-1].name == "training.png"


def test_costs_are_times() -> None:
    crop = np.full((112, 112, 3), 128, np.uint8)
    found = costs_ms({"slow": lambda _: np.linalg.svd(np.ones((60, 60)))}, crop)
    assert set(found) == {"slow", "laplacian_sharpness"}
    assert all(value > 0 for value in found.values())
