"""``ood-face evaluate`` over fake networks: what it writes, resumes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ood_face.cli import bench
from ood_face.evaluation import intervals, report
from ood_face.types import QualityScore
from tests.fakes import FakeEmbedder, fake_service, png

MANIFEST = """default_model = "made-up"
[models.made-up]
kind = "embedder"
version = "1"
[models.made-up.files]
"made-up/weights.bin" = "00"
"""


class CountingRts(FakeEmbedder):
    """The fake embedder with its raw numbers; counts the crops it measured."""

    measured = 0

    def measure(self, crops):
        self.measured += len(crops)
        embedded = self.embed(crops)
        return 3 * embedded.features, embedded.variances

    def curve(self, variances):
        return np.asarray(1 - variances, np.float32)

    def uncertainty(self, crops, passes):
        return self.embed_with_uncertainty(crops, passes)[1]


@pytest.fixture
def embedder(run, monkeypatch) -> CountingRts:
    weights = run.folder / "weights"
    (weights / "made-up").mkdir(parents=True)
    (weights / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    (weights / "made-up" / "weights.bin").write_bytes(b"1234567")
    fake = CountingRts("made-up@1")
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(weights))
    monkeypatch.setattr(bench, "open_service", lambda settings: fake_service(embedder=fake))  # noqa: ARG005
    monkeypatch.setattr(bench, "open_rts_embedder", lambda settings: fake)  # noqa: ARG005
    monkeypatch.setattr(intervals, "RESAMPLES", 20)
    monkeypatch.setattr(report, "TIMED_RUNS", 1)
    return fake


@pytest.fixture
def people(run) -> Path:
    rng = np.random.default_rng(1)
    for person in ("ann", "bob", "cem"):
        base = rng.integers(60, 240, (7, 7, 3))
        (run.folder / "people" / person).mkdir(parents=True)
        for i in range(2):
            image = np.clip(base + rng.integers(-9, 9, (7, 7, 3)), 0, 255).astype(np.uint8)
            crop = image.repeat(16, axis=0).repeat(16, axis=1)
            (run.folder / "people" / person / f"{i}.png").write_bytes(png(crop))
    return run.folder / "people"


def test_own_folders(run, embedder, people):
    result = run("evaluate", "--folders", str(people), "--aligned", "--out", "results")
    assert result.exit_code == 0, result.stderr
    written = result.stdout.split()
    assert written[:2] == ["results/report.json", "results/EVALUATION.md"]
    assert "results/plots/severity.png" in written
    assert all(Path(path).stat().st_size > 0 for path in written)
    found = json.loads(Path("results/report.json").read_text(encoding="utf-8"))
    assert found["model_id"] == "made-up@1"
    assert found["model"] == {"weights_bytes": 7, "files": {"made-up/weights.bin": "00"}}
    assert (found["data"]["faces"], found["data"]["subjects"]) == (6, 3)
    assert found["command"] == f"ood-face evaluate --folders {people} --aligned"
    assert found["cost"]["ms_per_face"].keys() >= {"ood_score", "mc_dropout_variance"}
    assert "scores under degradation" in result.stderr
    assert not list(Path("weights/made-up").glob("report.json"))
    assert embedder.measured > 0


def test_a_second_run_measures_nothing_again(run, embedder, people):
    arguments = ("evaluate", "--folders", str(people), "--aligned", "--out", "results")
    assert run(*arguments).exit_code == 0
    first = Path("results/report.json").read_text(encoding="utf-8")
    before = embedder.measured
    assert run(*arguments).exit_code == 0
    second = Path("results/report.json").read_text(encoding="utf-8")
    assert embedder.measured - before == 3  # the timing alone: two warm-ups and one run
    without_times = [{**json.loads(text), "cost": None} for text in (first, second)]
    assert without_times[0] == without_times[1]


def test_faces_are_found_where_pictures_are_not_aligned(run, embedder, people):  # noqa: ARG001
    (people / "ann" / "dark.png").write_bytes(png(np.zeros((60, 60, 3), np.uint8)))
    result = run("evaluate", "--folders", str(people), "--out", "results")
    assert result.exit_code == 0, result.stderr
    data = json.loads(Path("results/report.json").read_text(encoding="utf-8"))["data"]
    assert (data["pictures"], data["faces"]) == (7, 6)


def test_own_pairs_and_a_model_without_a_score(run, embedder, people, monkeypatch):  # noqa: ARG001
    plain = FakeEmbedder("made-up@1", QualityScore.NONE)
    monkeypatch.setattr(bench, "open_service", lambda settings: fake_service(embedder=plain))  # noqa: ARG005
    monkeypatch.setattr(bench, "open_rts_embedder", lambda settings: pytest.fail("no such model"))  # noqa: ARG005
    (people / "pairs.csv").write_text(
        "image_a,image_b,same\nann/0.png,ann/1.png,1\nann/0.png,bob/0.png,0\n", encoding="utf-8"
    )
    result = run("evaluate", "--pairs", str(people / "pairs.csv"), "--aligned", "--out", "results")
    assert result.exit_code == 0, result.stderr
    assert "gives no quality score" in Path("results/EVALUATION.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--folders", "a"],
        ["--folders", "a", "--pairs", "b", "--out", "c"],
        ["--data", "a", "--aligned"],
        ["--folders", "a", "--out", "c", "--passes", "1"],
    ],
)
def test_wrong_usage(run, arguments):
    assert run("evaluate", *arguments).exit_code == 2


def test_refusals_leave_nothing_behind(run, embedder, people):  # noqa: ARG001
    (people / "ann" / "0.png").write_bytes(png(np.full((50, 50, 3), 200, np.uint8)))
    result = run("evaluate", "--folders", str(people), "--aligned", "--out", "results")
    assert result.exit_code == 7
    assert "ann/0.png: the picture has 50x50 pixels" in result.stderr
    result = run("evaluate", "--data", str(run.folder))
    assert (result.exit_code, "cfp-00.tar" in result.stderr) == (7, True)
    assert not Path("results").exists()


def test_a_model_that_does_not_exist(run, embedder, people):  # noqa: ARG001
    options = ("--folders", str(people), "--out", "results", "--model", "other")
    result = run("evaluate", *options)
    assert (result.exit_code, "no model other" in result.stderr) == (8, True)
