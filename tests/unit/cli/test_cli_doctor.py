from __future__ import annotations

import ast
import json
import os
import string
from pathlib import Path

import pytest

from ood_face.bootstrap import doctor
from ood_face.bootstrap.doctor import State, examination
from ood_face.cli.doctor import EPILOG
from ood_face.errors import BackendError
from ood_face.messages import LANGUAGES, catalogue
from tests.fakes import fake_service
from tests.unit.cli.test_start_up import modules_after

SOURCES = sorted(Path(doctor.__file__).parent.glob("*.py"))
MAKERS = {"ok", "warning", "problem", "failed", "found"}


@pytest.fixture
def clean(monkeypatch, tmp_path) -> Path:
    """Have no settings but a data folder of our own, and a port that is free."""
    for name in [name for name in os.environ if name.startswith("OOD_FACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OOD_FACE_PORT", "0")
    return tmp_path


def test_a_sound_installation_has_no_problem_and_stays_untouched(run, clean):
    result = run("doctor", "--json")

    found = json.loads(result.stdout)
    checks = {one["check"]: one for one in found["checks"]}
    assert result.exit_code == 0, result.stdout
    assert found["state"] in ("ok", "warning")
    assert checks["weights"]["state"] == checks["score"]["state"] == "ok"
    assert found["seconds"] < 5
    assert not (clean / "data").exists()
    expected = {"settings", "python", "packages", "weights", "score", "scenarios", "calibrations"}
    expected |= {"cpu", "memory", "cores", "files", "user", "data", "disk", "filesystem", "port"}
    expected |= {"galleries", "databases", "keys", "supervisor", "clock", "drift", "native"}
    assert expected <= set(checks)


def test_a_problem_gives_code_1_and_says_what_to_do(run, clean, monkeypatch):
    monkeypatch.setenv("OOD_FACE_WEIGHTS_DIR", str(clean / "nowhere"))
    monkeypatch.setenv("OOD_FACE_HOST", "0.0.0.0")  # noqa: S104 - nothing listens

    result = run("doctor")

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("problem  weights ")]
    assert "manifest.toml cannot be read" in " ".join(lines[at : at + 4])
    assert "OOD_FACE_WEIGHTS_DIR" in " ".join(lines[at : at + 6])
    assert "ood-face keys create NAME --role admin" in " ".join(result.stdout.split())


@pytest.mark.usefixtures("clean")
def test_a_wrong_setting_stops_no_other_check(run, monkeypatch):
    monkeypatch.setenv("OOD_FACE_WORKERS", "none")

    result = run("doctor", "--json")

    checks = json.loads(result.stdout)["checks"]
    (wrong,) = [one for one in checks if one["check"] == "settings"]
    assert (result.exit_code, wrong["code"]) == (1, "settings.invalid")
    assert wrong["found"].startswith("the setting OOD_FACE_WORKERS is wrong")
    assert len(checks) > 15


@pytest.mark.usefixtures("clean")
def test_it_speaks_chinese(run):
    result = run("doctor", "--lang", "zh")
    assert (result.exit_code, "正常" in result.stdout, "项检查" in result.stdout) == (0, True, True)


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(("works", "expected"), [(True, "ok"), (False, "problem")])
def test_the_networks_are_run_only_when_asked_for(run, monkeypatch, works, expected):
    service = fake_service()

    def opened(settings):
        assert settings.workers == 1
        if not works:
            raise BackendError("runtime.engine", "Paddle failed: {reason}", reason="no kernel")
        return service

    monkeypatch.setattr(examination, "open_service", opened)
    (models,) = [
        one
        for one in json.loads(run("doctor", "--json", "--models").stdout)["checks"]
        if one["check"] == "models"
    ]
    assert models["state"] == expected
    plain = json.loads(run("doctor", "--json").stdout)["checks"]
    assert "models" not in {one["check"] for one in plain}


@pytest.mark.usefixtures("clean")
def test_it_loads_no_engine_and_no_page():
    loaded = modules_after(
        "from ood_face.cli.app import app; app(['doctor', '--json'], standalone_mode=False)"
    )
    assert "ood_face.bootstrap.doctor" in loaded
    assert not {"paddle", "gradio", "torch", "fastapi", "uvicorn", "matplotlib"} & loaded


def calls() -> list[tuple[str, ast.Call]]:
    return [
        (path.name, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MAKERS
        and len(node.args) > 1
    ]


def keys_of(call: ast.Call) -> list[str]:
    key = call.args[1]
    if isinstance(key, ast.JoinedStr):  # of the disk of data and of logs
        ending = key.values[-1].value
        return [f"{check}{ending}" for check in ("disk", "logs")]
    assert isinstance(key, ast.Constant), ast.unparse(call)
    return [key.value]


def test_every_finding_has_its_sentence_and_every_one_but_ok_says_what_to_do():
    used = {"state_ok", "state_warning", "state_problem", "summary"}
    for where, call in calls():
        for key in keys_of(call):
            kind = call.func.id
            wanted = [] if kind == "failed" else [key]
            wanted += [] if kind == "ok" else [f"{key}_todo"]
            used.update(wanted)
            for language in LANGUAGES:
                missing = [one for one in wanted if f"doctor.{one}" not in catalogue(language)]
                assert not missing, f"{where}: {language}.toml lacks doctor.{missing}"
    assert len(calls()) > 50
    there = {key.removeprefix("doctor.") for key in catalogue("en") if key.startswith("doctor.")}
    assert there == used


def test_every_sentence_has_only_places_that_its_finding_fills():
    # values that come as a dictionary are filled when the finding is made; these are written out
    for where, call in calls():
        if any(keyword.arg is None for keyword in call.keywords):
            continue
        given = {keyword.arg for keyword in call.keywords}
        for key in keys_of(call):
            for ending in ("", "_todo"):
                sentence = catalogue("en").get(f"doctor.{key}{ending}", "")
                places = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
                assert places <= given, f"{where}: {key}{ending}"


def test_the_help_tells_the_codes(run):
    shown = " ".join(run("doctor", "--help").stdout.split())
    assert EPILOG.split(":")[0] in shown
    assert "--models" in shown
    assert State.PROBLEM == "problem"
