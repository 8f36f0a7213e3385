from __future__ import annotations

import pytest

from ood_face.bootstrap import open_scenarios, read_settings
from ood_face.config import Settings
from ood_face.errors import ConfigError


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("OOD_FACE_PORT", "8000")
    assert read_settings().port == 8000


def test_an_override_wins_and_none_leaves_the_environment(monkeypatch):
    monkeypatch.setenv("OOD_FACE_PORT", "8000")
    assert read_settings(port=9000, host=None).port == 9000
    assert read_settings(port=None).port == 8000


def test_a_dotenv_file_is_read(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("OOD_FACE_QUEUE_SIZE=3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_settings().queue_size == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("DETECTOR", "yolo"),
        ("DOMINANT_FACE_RATIO", "0.5"),
        ("MIN_PROBABILITY", "1.1"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"OOD_FACE_{name}", value)
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert caught.value.key == "settings.invalid"
    assert f"OOD_FACE_{name} is wrong" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_the_scenario_file_of_the_settings_is_used(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[lobby]\nsame_above = 0.6\n", encoding="utf-8")
    assert open_scenarios(Settings(scenarios_file=path))["lobby"].same_above == 0.6
    with pytest.raises(ConfigError, match="No such file"):
        open_scenarios(Settings(scenarios_file=tmp_path / "none.toml"))
