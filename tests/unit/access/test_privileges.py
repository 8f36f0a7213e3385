from __future__ import annotations

import logging
import os

import pytest

from ood_face.access import keep_to_oneself, warn_of_rights


@pytest.fixture
def umask():
    """Give the process its umask back."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_root_is_warned_and_nobody_else(tmp_path, caplog):
    tmp_path.chmod(0o700)
    with caplog.at_level(logging.WARNING):
        warn_of_rights(tmp_path, user_id=1000)
        warn_of_rights(tmp_path / "to be made", user_id=1000)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        warn_of_rights(tmp_path, user_id=0)
    assert ["as root" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(("mode", "warned"), [(0o700, 0), (0o755, 0), (0o770, 1), (0o777, 1)])
def test_a_data_folder_that_others_may_write_is_told(tmp_path, caplog, mode, warned):
    tmp_path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        warn_of_rights(tmp_path, user_id=1000)
    tmp_path.chmod(0o700)
    assert [str(tmp_path) in record.message for record in caplog.records] == [True] * warned


@pytest.mark.usefixtures("umask")
def test_what_the_server_makes_is_for_its_owner_alone(tmp_path):
    keep_to_oneself()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
