"""What a report on one's own pictures becomes: files, plots, a calibration, a scenario."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_face.calibration.files import load_calibration
from ood_face.calibration.own_report import OwnReport, make_report
from ood_face.calibration.own_report_files import check_target, report_document, write_report
from ood_face.calibration.own_report_plots import own_figure
from ood_face.calibration.own_report_saving import own_scenario, save_own_calibration
from ood_face.calibration.own_report_tables import plot_tables
from ood_face.errors import InputError
from ood_face.evaluation import intervals
from ood_face.types import Policy, Scenario
from tests.unit.calibration.calibrations import MADE
from tests.unit.calibration.own_faces import MODEL_ID, drawn_faces, same_model

SCENARIO = Scenario("door", recapture_below=0.4)
PLOTS = ("det", "discard", "reliability", "same", "scores", "similarities")


@pytest.fixture(scope="module")
def report() -> OwnReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 60)
        faces = drawn_faces(people=40, noise=1.6)
        return make_report(faces, SCENARIO, same_model(0, -1, 6), (0.01, 0.001, 0.0001))


def columns(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


def numbers(path: Path, name: str) -> list[float]:
    return [float(value) for value in columns(path)[name]]


def test_every_section_has_its_numbers_and_its_plot(report, tmp_path):
    written = write_report(report, tmp_path / "out")
    names = {path.name for path in written}
    assert names == {"report.json", "report.md", "operating_points.csv"} | {
        f"{name}.{kind}" for name in PLOTS for kind in ("csv", "png")
    }
    assert names == {path.name for path in (tmp_path / "out").iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    for name in PLOTS:
        with Image.open(tmp_path / "out" / f"{name}.png") as image:
            assert image.format == "PNG"
            assert image.width >= 600
            assert len(image.convert("RGB").getcolors(1 << 20)) > 20


def test_the_numbers_are_those_that_the_plots_show(report, tmp_path):
    write_report(report, tmp_path)
    tables = plot_tables(report)

    def lines(name: str) -> list[np.ndarray]:
        return [line.get_xydata() for line in own_figure(report, name, tables[name]).axes[0].lines]

    det = np.stack([numbers(tmp_path / "det.csv", key) for key in ("fmr", "fnmr")], axis=1)
    assert np.array_equal(lines("det")[0], det[det.min(axis=1) > 0])
    left_out = np.array(numbers(tmp_path / "discard.csv", "discarded_share")) * 100
    for line, name in zip(lines("discard"), ("ood_score", "random", "ideal"), strict=False):
        fnmr = numbers(tmp_path / "discard.csv", f"fnmr_{name}")
        assert np.allclose(line, np.stack([left_out, fnmr], axis=1))
    same = [numbers(tmp_path / "same.csv", key) for key in ("predicted", "observed")]
    assert np.array_equal(lines("same")[1], np.stack(same, axis=1))
    figure = own_figure(report, "reliability", tables["reliability"])
    stages = columns(tmp_path / "reliability.csv")
    for axes, stage in zip(figure.axes, ("before", "after"), strict=True):
        rows = [i for i, named in enumerate(stages["calibration"]) if named == stage]
        expected = [[float(stages[key][i]) for key in ("predicted", "observed")] for i in rows]
        assert np.array_equal(axes.lines[1].get_xydata(), expected)
    bars = own_figure(report, "scores", tables["scores"]).axes[0].patches[0].get_data()
    assert bars.values.tolist() == numbers(tmp_path / "scores.csv", "pictures")
    shares = own_figure(report, "similarities", tables["similarities"]).axes[0].patches
    for drawn, kind in zip(shares, ("one_person", "two_people"), strict=False):
        counts = np.array(numbers(tmp_path / "similarities.csv", f"pairs_of_{kind}"))
        assert np.allclose(drawn.get_data().values, 100 * counts / counts.sum())


def test_the_numbers_are_those_of_the_report(report, tmp_path):
    write_report(report, tmp_path)
    assert sum(numbers(tmp_path / "scores.csv", "pictures")) == report.faces
    kinds = ("pairs_of_one_person", "pairs_of_two_people")
    counts = [sum(numbers(tmp_path / "similarities.csv", kind)) for kind in kinds]
    assert counts == [report.mated_pairs, report.impostor_pairs]
    points = columns(tmp_path / "operating_points.csv")
    assert points["gate"] == ["without", "with"] * 3
    assert float(points["threshold"][0]) == report.operating.rows[0].without_gate.threshold.value
    assert (points["threshold"][4], "rule of 3" in points["refused"][4]) == ("", True)
    body = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert body == json.loads(json.dumps(report_document(report)))
    assert body["reliability"]["after"]["ece"]["value"] == (
        report.reliability.after.figures["ece"].value
    )
    assert body["det"]["table"]["fmr"] == report.trade_off.fmr.tolist()


def test_the_page_says_the_figures_and_what_is_lacking(report, tmp_path):
    write_report(report, tmp_path)
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    point = report.operating.rows[0].without_gate
    assert f"| 0.01 | without | {point.threshold.value:.4f} (" in page
    assert "- FMR 0.0001, without gate: a false match rate of 0.0001 needs 30000 pairs" in page
    assert f"{report.reliability.after.figures['brier'].value:.4f}" in page
    for name in PLOTS:
        assert f"]({name}.png)" in page


def test_of_an_earlier_report_nothing_is_left(report, tmp_path):
    write_report(report, tmp_path)
    lacking = replace(report, same=InputError("trust.no_score", "the model has none"))
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_report(lacking, tmp_path)
    assert not (tmp_path / "same.png").exists()
    assert not (tmp_path / "same.csv").exists()
    assert (tmp_path / "notes.txt").exists()
    assert "Not measured: the model has none." in (tmp_path / "report.md").read_text("utf-8")
    body = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert body["same"]["not_measured"] == {
        "code": "trust.no_score",
        "reason": "the model has none",
    }


def test_the_same_report_gives_the_same_bytes(report, tmp_path):
    one, two = (write_report(report, tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_report_of_another_command_is_not_replaced(report, tmp_path):
    for text in ('{"format": 2}', "[]", "no JSON"):
        (tmp_path / "report.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="is not replaced"):
            write_report(report, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for target in (tmp_path / "file", tmp_path / "missing" / "out"):
        with pytest.raises(InputError, match="cannot take the report"):
            check_target(target)


def test_the_fitted_calibration_is_kept_beside_the_model(report, tmp_path):
    path, plot = save_own_calibration(report, tmp_path, "gate", MADE)
    assert plot.read_bytes().startswith(b"\x89PNG")
    found = load_calibration(tmp_path, "gate", MODEL_ID)
    assert path == tmp_path / "calibration" / "gate.toml"
    assert (found.made, found.report["data"]["source"]) == (MADE, "people")
    fitted = report.reliability.calibration
    similarities = np.linspace(-1, 1, 9)
    assert found.probability(similarities) == pytest.approx(fitted.probability(similarities))


def test_a_calibration_of_that_name_is_replaced_only_on_purpose(report, tmp_path):
    path, _ = save_own_calibration(report, tmp_path, "gate", MADE)
    before = path.read_bytes()
    with pytest.raises(InputError, match="has a calibration gate already"):
        save_own_calibration(report, tmp_path, "gate", "2027-01-01T00:00:00+00:00")
    assert path.read_bytes() == before
    save_own_calibration(report, tmp_path, "gate", "2027-01-01T00:00:00+00:00", instead=True)
    assert load_calibration(tmp_path, "gate", MODEL_ID).made.startswith("2027")
    path.write_text("something else", encoding="utf-8")
    with pytest.raises(InputError, match="is not replaced"):
        save_own_calibration(report, tmp_path, "gate", MADE, instead=True)


def test_without_a_calibration_nothing_is_kept(report, tmp_path):
    lacking = replace(report, reliability=InputError("calibrate.worse", "it is worse"))
    with pytest.raises(InputError, match="it is worse"):
        save_own_calibration(lacking, tmp_path, "gate", MADE)
    with pytest.raises(InputError, match="it is worse"):
        own_scenario(lacking, "mine", calibration="gate")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot name a calibration"):
        save_own_calibration(report, tmp_path, "../gate", MADE)
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_takes_the_threshold_behind_the_gate(report):
    found = own_scenario(report, "mine", 0.01)
    row = report.operating.rows[0]
    assert found.same_above == row.with_gate.threshold.value != row.without_gate.threshold.value
    assert (found.name, found.recapture_below, found.policy) == ("mine", 0.4, Policy.SIMILARITY)
    assert found.different_below <= found.same_above
    assert own_scenario(report, "mine").same_above == SCENARIO.same_above


def test_a_scenario_by_probability_names_its_calibration(report):
    applied = replace(SCENARIO, same_probability_above=0.9)
    found = own_scenario(replace(report, scenario=applied), "mine", 0.01, "gate")
    assert (found.policy, found.calibration) == (Policy.PROBABILITY, "gate")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"same_probability_above": 0.9999}, "can never decide by 0.05 and 0.9999"),
        ({"different_probability_below": 0.001}, "can never decide by 0.001 and 0.99"),
    ],
)
def test_limits_that_the_calibration_never_reaches_are_refused(report, limits, words):
    beyond = replace(report, scenario=replace(SCENARIO, **limits))
    with pytest.raises(InputError, match=words):
        own_scenario(beyond, "mine", 0.01, "gate")


def test_a_rate_without_a_threshold_makes_no_scenario(report):
    with pytest.raises(InputError, match="needs 30000 pairs"):
        own_scenario(report, "mine", 0.0001)
    with pytest.raises(InputError, match=r"no operating point .* 0\.02; it has 0\.01, 0\.001"):
        own_scenario(report, "mine", 0.02)


def test_a_report_that_could_not_be_finished_has_no_report_json(report, tmp_path):
    write_report(report, tmp_path / "out")
    (tmp_path / "out" / "scores.png").unlink()
    (tmp_path / "out" / "scores.png").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_report(report, tmp_path / "out")
    assert not (tmp_path / "out" / "report.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
