from __future__ import annotations

import os
import stat

import pytest

from webui.places import keep_in

NAMES = ("GRADIO_TEMP_DIR", "MPLCONFIGDIR")


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in NAMES:
        # set, so that it is put back afterwards, whatever happens to it
        monkeypatch.setenv(name, "")


def test_libraries_get_folders_of_their_own_in_the_data_folder(tmp_path):
    data = tmp_path / "var" / "data"

    keep_in(data)

    assert [os.environ[name] for name in NAMES] == [
        str(data / "cache" / "gradio"),
        str(data / "cache" / "matplotlib"),
    ]
    for folder in (data, data / "cache", *(data / "cache").iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_the_environment_says_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/elsewhere")

    keep_in(tmp_path)

    assert os.environ["GRADIO_TEMP_DIR"] == "/elsewhere"
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"matplotlib"}


def test_where_nothing_can_be_written_nothing_is_done(tmp_path):
    (tmp_path / "file").write_text("in the way")

    keep_in(tmp_path / "file")

    assert [os.environ[name] for name in NAMES] == ["", ""]
