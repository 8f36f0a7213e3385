from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

import ood_face
from ood_face.cli import app as cli
from ood_face.cli.exits import EXIT_OF_VERDICT, HELP_EPILOG, ExitCode, exit_code
from ood_face.errors import BackendError, BusyError, ConfigError, OodFaceError, WeightsMissingError
from ood_face.types import Verdict
from tests.fakes import FakeDetector, FullAdmission, fake_service, picture, png


def test_same(run):
    result = run("compare", run.file("a.png", 40), run.file("b.png", 40))
    assert result.exit_code == 0
    assert "same person" in result.stdout
    assert "similarity 1.000" in result.stdout
    assert "a.png" in result.stdout
    assert "0.784  good" in result.stdout
    assert "█" in result.stdout
    assert "The faces match" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("colour_b", "scenario", "verdict"),
    [
        ((250, 200, 150), "default", "same"),
        ((90, 90, 250), "default", "different"),
        ((250, 160, 230), "default", "review"),
        ((70, 70, 70), "default", "recapture"),
        ((250, 200, 150), "gate", "same"),
    ],
)
def test_the_exit_code_is_the_verdict(run, colour_b, scenario, verdict):
    # thresholds around what the fake embedder says of these colours
    Path("mine.toml").write_text(
        "[default]\nsame_above = 0.95\ndifferent_below = 0.5\n", encoding="utf-8"
    )
    run.service = fake_service(scenarios_file=Path("mine.toml"))
    files = (run.file("a.png", 40), run.file("b.png", 40, colour=colour_b))
    result = run("compare", *files, "--scenario", scenario, "--json")
    body = json.loads(result.stdout)
    assert body["verdict"] == verdict
    assert result.exit_code == EXIT_OF_VERDICT[Verdict(verdict)]
    assert body["scenario"]["name"] == scenario
    assert body["reasons"][0]["sentence"]
    assert body["face_a"]["quality_level"] == "good"
    assert body["model_id"] == "fake-1"


def test_each_verdict_has_its_own_code():
    assert sorted(EXIT_OF_VERDICT) == sorted(Verdict)
    assert [int(EXIT_OF_VERDICT[v]) for v in ("same", "different", "review", "recapture")] == [
        0,
        1,
        3,
        4,
    ]
    for code in ExitCode:
        assert f" {code.value} " in HELP_EPILOG


def test_compare_in_chinese(run):
    result = run("compare", run.file("a.png", 40), run.file("b.png", 40), "--lang", "zh")
    assert "同一人" in result.stdout
    assert "相似度" in result.stdout


def test_a_picture_from_stdin(run):
    result = run("compare", "-", run.file("b.png", 40), stdin=png(picture(40)))
    assert result.exit_code == 0
    assert run("compare", "-", "-").exit_code == 2


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda _run: "none.png", 7, ["none.png", "No such file"]),
        (lambda _run: ".", 7, ["directory"]),
        (lambda run: run.file("dark.png"), 5, ["no face", "second picture"]),
        (lambda run: run.file("two.png", 40, 40), 6, ["2 faces", "second picture"]),
        (lambda _run: str(Path("text.jpg").write_text("hello") and "text.jpg"), 7, ["text.jpg"]),
        (lambda _run: str(Path("empty.jpg").write_bytes(b"") or "empty.jpg"), 7, ["0 bytes"]),
    ],
    ids=["missing", "folder", "no face", "several", "text", "empty"],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_are_one_line_and_a_code(run, make, code, words, as_json):
    arguments = ["compare", run.file("a.png", 40), make(run), *(["--json"] if as_json else [])]
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    if as_json:
        error = json.loads(line)["error"]
        assert error["exit_code"] == code
        assert error["code"]
    else:
        assert line.startswith("ood-face: ")
    for word in words:
        assert word in line


def test_a_picture_over_the_limits(run, monkeypatch):
    monkeypatch.setenv("OOD_FACE_MAX_IMAGE_BYTES", "50")
    result = run("compare", run.file("a.png", 40), run.file("b.png", 40))
    assert (result.exit_code, "more than 50 bytes" in result.stderr) == (7, True)
    monkeypatch.setenv("OOD_FACE_MAX_IMAGE_BYTES", "5000")
    monkeypatch.setenv("OOD_FACE_MAX_IMAGE_PIXELS", "100")
    result = run("compare", "a.png", "b.png")
    assert (result.exit_code, "the limit is 100" in result.stderr) == (7, True)


def test_an_unknown_scenario_is_wrong_usage(run):
    result = run("compare", run.file("a.png", 40), run.file("b.png", 40), "--scenario", "casino")
    assert (result.exit_code, "'casino'" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments", [["compare", "a.png"], ["compare", "a", "b", "--lang", "fr"], ["nothing"]]
)
def test_wrong_usage(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_wrong_setting_is_named(run, monkeypatch):
    monkeypatch.setenv("OOD_FACE_PORT", "many")
    result = run("scenarios")
    assert (result.exit_code, "OOD_FACE_PORT" in result.stderr) == (8, True)
    assert len(result.stderr.splitlines()) == 1


def test_a_busy_and_a_broken_service(run):
    files = (run.file("a.png", 40), run.file("b.png", 40))
    run.service = fake_service(admission=FullAdmission())
    assert run("compare", *files).exit_code == 9

    class Broken(FakeDetector):
        def detect(self, image):  # noqa: ARG002 - a port's argument
            raise BackendError("runtime.failed", "the engine failed")

    run.service = fake_service(detector=Broken())
    result = run("compare", *files)
    assert (result.exit_code, result.stderr) == (9, "ood-face: the engine failed\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(WeightsMissingError, 8), (ConfigError, 8), (BusyError, 9), (OodFaceError, 9)],
)
def test_codes_of_errors_that_no_test_here_provokes(error, code):
    assert exit_code(error("key", "sentence")) == code


def test_a_name_cannot_forge_a_line(run):
    result = run("compare", "a\nood-face: all is well\x1b[2J", run.file("b.png", 40))
    (line,) = result.stderr.splitlines()
    assert r"a\nood-face" in line
    assert "\x1b" not in line


def test_scenarios(run):
    assert "finance" in run("scenarios").stdout
    body = json.loads(run("scenarios", "--json").stdout)
    assert [item["name"] for item in body] == ["default", "attendance", "gate", "finance"]
    assert body[2]["same_needs_score_above"] == 0.5


def test_version_is_the_projects(run):
    assert run("version").stdout == f"ood-face {ood_face.__version__}\n"
    assert json.loads(run("version", "--json").stdout) == {"version": ood_face.__version__}


def test_help_says_the_exit_codes(run):
    for arguments in (["--help"], ["compare", "--help"], ["extract", "--help"]):
        text = " ".join(run(*arguments).stdout.split())
        assert "4 take another picture; 5 no face; 6 several faces" in text


def test_verify(run, monkeypatch):
    (run.folder / "m").mkdir()
    for name in ("good.bin", "bad.bin"):
        (run.folder / "m" / name).write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    manifest = (
        '[models.m]\nkind = "detector"\nversion = "1"\n[models.m.files]\n'
        f'"m/good.bin" = "{digest}"\n"m/bad.bin" = "{digest}"\n'
    )
    (run.folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(run.folder))
    assert run("weights", "verify").exit_code == 0
    (run.folder / "m" / "bad.bin").write_bytes(b"weightz")
    assert run("weights", "verify").exit_code == 8
    good, bad = json.loads(run("weights", "verify", "--json").stdout)
    assert (good["model"], good["file"], good["problem"]) == ("m", "m/good.bin", None)
    assert digest in bad["problem"]
    (run.folder / "manifest.toml").unlink()
    result = run("weights", "verify")
    assert (result.exit_code, "manifest.toml" in result.stderr) == (8, True)


def test_the_defect_hook_never_says_different_people(monkeypatch, capsys):
    codes: list[int] = []
    monkeypatch.setattr(cli.os, "_exit", codes.append)
    cli._defect(ZeroDivisionError, ZeroDivisionError("a\nb"), None)
    assert codes == [9]
    assert capsys.readouterr().err == (
        "ood-face: defect, please report it: ZeroDivisionError: a\\nb\n"
    )
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", ["ood-face", "version"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code in (0, None)
    assert sys.excepthook is cli._defect
