"""How uncertain a decision is, as the commands print it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ood_face.cli.render_explanations import explanation_json, explanation_lines
from ood_face.types import SameModel
from tests.fakes import fake_service

SAME = SameModel("fake-1", np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))
DARK = (110, 80, 70)


@pytest.fixture
def knowing(run, tmp_path):
    """Return commands over a model with P(same), and with a scenario that asks for dropout."""
    path = tmp_path / "mine.toml"
    path.write_text("[thorough]\ndropout_passes = 10\nrecapture_below = 0.0\n", "utf-8")
    run.service = fake_service(scenarios_file=path, same_model=SAME)
    return run


def said(result) -> list[str]:
    """Return the lines after the reasons."""
    lines = result.stdout.splitlines()
    last = max(i for i, line in enumerate(lines) if line.startswith("  - "))
    return [line.strip() for line in lines[last + 1 :]]


def test_two_good_pictures_leave_one_line_and_an_error(knowing):
    result = knowing("compare", knowing.file("a.png", 40), knowing.file("b.png", 40))
    error, rest = said(result)
    assert error.startswith("The likelier answer is wrong with a probability of 0.00012")
    assert rest == "No part of the uncertainty stands out."


def test_a_weak_picture_is_named(knowing):
    pictures = knowing.file("a.png", 40), knowing.file("b.png", 40, colour=DARK)
    lines = said(knowing("compare", *pictures))
    assert 2 <= len(lines) <= 4
    assert lines[1].startswith("Uncertainty of the pictures, high: The second picture is the weak")
    chinese = said(knowing("compare", *pictures, "--lang", "zh"))
    assert chinese[1].startswith("图片的不确定性（高）：问题在第二张图片")


def test_without_a_calibration_nobody_knows(run):
    lines = said(run("compare", run.file("a.png", 40), run.file("b.png", 40)))
    assert lines == [
        "Uncertainty of the calibration, unknown: There is no calibrated probability here, so "
        "nobody can say how often such an answer is wrong."
    ]


def test_json_has_all_parts(knowing):
    pictures = knowing.file("a.png", 40), knowing.file("b.png", 40, colour=DARK)
    result = knowing("compare", *pictures, "--scenario", "thorough", "--json")
    body = json.loads(result.stdout)
    explained = body["explanation"]
    assert [part["source"] for part in explained["parts"]] == ["picture", "model", "calibration"]
    assert explained["main"] == "picture"
    assert explained["parts"][0]["level_name"] == "high"
    assert explained["model"]["passes"] == 10
    assert explained["entropy_bits"] > 0
    assert body["scenario"]["dropout_passes"] == 10


@pytest.mark.parametrize("command", [("identify",), ("verify", "ann")])
def test_searches_and_verifications_tell_it_too(knowing, command):
    knowing("gallery", "create", "staff")
    knowing.file("staff/ann/1.png", 48, colour=(250, 130, 130))
    knowing("gallery", "enroll", "staff", "staff")
    probe = knowing.file("probe.png", 60, colour=DARK)
    name, *subject = command
    arguments = ("gallery", name, "staff", *subject, probe, "--scenario", "thorough")
    lines = said(knowing(*arguments))
    assert 2 <= len(lines) <= 4
    assert any("The picture sent is the weak point" in line for line in lines)
    explained = json.loads(knowing(*arguments, "--json").stdout)["explanation"]
    assert ("gallery" in [part["source"] for part in explained["parts"]]) == (name == "identify")
    assert explained["model"]["passes"] == 10


def test_what_nobody_worked_out_is_not_printed():
    assert explanation_lines(None, "en") == []
    assert explanation_json(None, "en") is None
