from __future__ import annotations

import json
from dataclasses import asdict, fields

import numpy as np
import pytest

from ood_face.types import QualityScore
from ood_face.uncertainty import Uncertainty
from tests.fakes import FakeEmbedder, fake_service, picture


def test_extract_prints_every_face(run):
    result = run("extract", run.file("a.png", 20, 40), run.file("b.png", 40))
    assert result.exit_code == 0
    assert "a.png: 2 faces" in result.stdout
    assert "b.png: 1 face\n" in result.stdout
    assert result.stdout.count("good") == 3
    assert result.stdout.index("a.png") < result.stdout.index("b.png")
    assert result.stderr == ""


def test_extract_goes_on_after_a_file_that_fails(run):
    files = [run.file("dark.png"), "none.png", run.file("a.png", 40)]
    result = run("extract", *files)
    assert result.exit_code == 7
    assert "a.png: 1 face\n" in result.stdout
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == files[:2]
    assert run("extract", files[0], files[2]).exit_code == 5
    result = run("extract", files[0], files[2], "--allow-empty")
    assert (result.exit_code, "dark.png: no face" in result.stdout) == (0, True)


def test_extract_as_json_lines(run):
    result = run("extract", run.file("a.png", 20, 40), "none.png", "--jsonl")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["file"] == "a.png"
    template = run.service.extract(picture(20, 40))[0]
    np.testing.assert_array_equal(np.float32(first["faces"][0]["feature"]), template.feature)
    assert first["faces"][0]["model_id"] == "fake-1"
    assert second["error"]["code"] == "file.unreadable"
    assert json.loads(result.stderr)["error"]["file"] == "none.png"
    assert result.exit_code == 7


def test_extract_as_json(run):
    body = json.loads(run("extract", run.file("a.png", 40), "--json").stdout)
    assert [(item["file"], len(item["faces"])) for item in body] == [("a.png", 1)]
    assert run("extract", "a.png", "--json", "--jsonl").exit_code == 2
    assert run("extract", "-", "-").exit_code == 2


def test_extract_into_a_file(run):
    files = [run.file(f"{i}.png", 40, 20, colour=(60 + 15 * i, 200, 150)) for i in range(13)]
    result = run("extract", *files, run.file("dark.png"), "--out", "features.npz")
    assert result.exit_code == 5
    with np.load("features.npz", allow_pickle=False) as arrays:
        assert arrays["features"].shape == (26, 512)
        assert arrays["features"].dtype == np.float32
        assert arrays["ood_scores"].shape == (26,)
        assert arrays["boxes_xyxy_px"].shape == (26, 4)
        assert str(arrays["model_id"]) == "fake-1"
        assert arrays["files"].tolist() == [name for name in files for _ in range(2)]
        for i in (0, 12):
            expected = run.service.extract(picture(40, 20, colour=(60 + 15 * i, 200, 150)))
            np.testing.assert_array_equal(arrays["features"][2 * i], expected[0].feature)
    assert [path.name for path in run.folder.iterdir() if "npz" in path.name] == ["features.npz"]


def test_an_empty_result_is_still_a_file(run):
    run("extract", run.file("dark.png"), "--allow-empty", "--out", "features.npz")
    with np.load("features.npz", allow_pickle=False) as arrays:
        assert arrays["features"].shape == (0, 512)
        assert arrays["boxes_xyxy_px"].shape == (0, 4)


@pytest.mark.parametrize("target", ["nowhere/features.npz", "."])
def test_a_target_that_cannot_be_written_is_told_before_the_work(run, target):
    result = run("extract", run.file("a.png", 40), "--out", target)
    assert (result.exit_code, "cannot be written" in result.stderr) == (7, True)
    assert result.stdout == ""


def test_a_model_without_a_quality_score_says_so(run):
    run.service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    file = run.file("a.png", 40)
    assert "This model gives no quality score" in run("extract", file).stdout
    assert "该模型不提供质量分" in run("extract", file, "--lang", "zh").stdout
    (face,) = json.loads(run("extract", file, "--json", "--out", "f.npz").stdout)[0]["faces"]
    assert (face["ood_score"], face["quality"], face["quality_level"]) == (None, None, None)
    with np.load("f.npz", allow_pickle=False) as arrays:
        assert np.isnan(arrays["ood_scores"]).tolist() == [True]
    result = run("compare", file, run.file("b.png", 40))
    assert result.exit_code == 3
    assert "needs review" in result.stdout
    assert "gives no quality score" in result.stdout


def test_uncertainty_in_words_and_in_figures(run):
    files = [run.file("a.png", 20, 40), run.file("b.png", 40)]
    said = run("extract", *files, "--uncertainty", "mc", "--passes", "5")
    first, second = (face.uncertainty for face in run.service.extract(picture(20, 40), "mc", 5))
    assert said.exit_code == 0
    assert said.stdout.count("over 5 passes") == 3
    for number, found in ((1, first), (2, second)):
        score = f"score {found.score_mean:.3f} ± {found.score_spread:.3f} over 5 passes"
        assert f"uncertainty of face {number}: {score}" in said.stdout
        for figure in (found.feature_spread, found.rts_variance, found.entropy):
            assert f" {figure:.4f}" in said.stdout
    assert (
        "人脸 1 的不确定性：20 次采样"
        in run("extract", files[1], "--uncertainty", "mc", "--lang", "zh").stdout
    )
    (body,) = json.loads(run("extract", files[1], "--uncertainty", "mc", "--json").stdout)
    (template,) = run.service.extract(picture(40), "mc")
    assert body["faces"][0]["uncertainty"] == asdict(template.uncertainty)
    plain = run("extract", files[1], "--json").stdout
    assert "uncertainty" not in plain
    assert "uncertainty" not in run("extract", files[1]).stdout


def test_uncertainty_into_a_file(run):
    files = [run.file("a.png", 20, 40), run.file("b.png", 40)]
    run("extract", *files, "--out", "plain.npz")
    run("extract", *files, "--out", "more.npz", "--uncertainty", "mc", "--passes", "9")
    with np.load("plain.npz") as plain, np.load("more.npz") as more:
        added = set(more) - set(plain)
        assert added == {f"uncertainty_{field.name}" for field in fields(Uncertainty)}
        templates = run.service.extract(picture(20, 40), "mc", 9)
        for i, template in enumerate(templates):
            for name, value in asdict(template.uncertainty).items():
                assert more[f"uncertainty_{name}"][i] == pytest.approx(value)
        assert more["uncertainty_passes"].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("mc", "--passes", "1"), "equal to 2 "),
        (("mc", "--passes", "201"), "equal to 200 "),
        (("ensemble",), "mc"),
    ],
)
def test_what_uncertainty_cannot_be_is_refused(run, options, said):
    result = run("extract", run.file("a.png", 40), "--uncertainty", *options)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_model_that_cannot_estimate_its_uncertainty_says_so(run):
    run.service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    result = run("extract", run.file("a.png", 40), "--uncertainty", "mc")
    assert result.exit_code != 0
    assert "fake-1 cannot estimate its uncertainty" in result.stderr
