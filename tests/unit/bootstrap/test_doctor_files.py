"""``ood-face doctor`` about settings, weights, policies, folders, what is stored, and the clock."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ood_face.access import SqliteAuditLog
from ood_face.bootstrap import open_drift
from ood_face.bootstrap.doctor import State, folders
from ood_face.bootstrap.doctor.clock import check_clock
from ood_face.bootstrap.doctor.folders import check_folders, filesystem_of
from ood_face.bootstrap.doctor.installed import check_weights
from ood_face.bootstrap.doctor.policies import check_policies_files, check_score
from ood_face.bootstrap.doctor.settings import check_settings, settings_or_defaults
from ood_face.bootstrap.doctor.stored import (
    check_databases,
    check_drift,
    check_galleries,
    owner_process,
)
from ood_face.calibration.files import calibration_path
from ood_face.config import Settings
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import LOCAL, AuditAction, AuditEvent, Observation, Profile, Verdict
from tests.fakes.templates import MODEL_ID as ENROLLED_WITH
from tests.fakes.templates import gallery_info, template
from tests.unit.bootstrap.policy_files import MODEL_ID, policy_files

EVENT = AuditEvent(AuditAction.ENROLL, "staff", None, "ok", {})


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    for name in [name for name in os.environ if name.startswith("OOD_FACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(found) -> list[tuple[str, str]]:
    return [(one.state.value, one.key) for one in found]


def checked_settings() -> list[tuple[str, str]]:
    return keys(check_settings(settings_or_defaults()[1]))


def test_settings_that_are_all_right_are(home):
    assert checked_settings() == [("ok", "settings_no_file")]
    (home / ".env").write_text("OOD_FACE_PORT=7000\n")
    assert checked_settings() == [("ok", "settings_sound")]


@pytest.mark.usefixtures("home")
def test_every_wrong_setting_is_named_and_the_others_hold(monkeypatch):
    monkeypatch.setenv("OOD_FACE_PORT", "70000")
    monkeypatch.setenv("OOD_FACE_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("OOD_FACE_MAX_FACES", "5")

    settings, errors = settings_or_defaults()

    assert {error.values["name"] for error in errors} == {"PORT", "LOG_LEVEL"}
    assert (settings.port, settings.log_level, settings.max_faces) == (7860, "INFO", 5)
    assert keys(check_settings(errors)) == [("problem", "settings_wrong")] * 2


def test_a_misspelt_setting_is_told_with_the_one_that_is_meant(home, monkeypatch):
    (home / ".env").write_text("OOD_FACE_DATADIR=/x\nOTHER=1\n")
    monkeypatch.setenv("OOD_FACE_XYZZY", "1")

    found = {one.key: one for one in check_settings([])}

    assert set(found) == {"settings_misspelt", "settings_unknown"}
    values = found["settings_misspelt"].values
    assert (values["name"], values["near"]) == ("OOD_FACE_DATADIR", "OOD_FACE_DATA_DIR")
    assert values["where"] == str(home / ".env")


def test_a_file_of_settings_that_is_no_text_or_open_to_others_is_told(home):
    file = home / ".env"
    file.write_bytes(b"OOD_FACE_PORT=\xff\n")
    assert ("problem", "settings_unreadable") in keys(check_settings([]))
    file.write_text("OOD_FACE_MILVUS_TOKEN=secret\n")
    file.chmod(0o644)
    assert checked_settings() == [("warning", "settings_open")]
    file.chmod(0o600)
    assert checked_settings() == [("ok", "settings_sound")]


def test_weights_are_hashed_and_a_broken_file_is_named(home):
    settings = policy_files(home)
    model_id, found = check_weights(settings)
    assert (model_id, found.key) == (MODEL_ID, "weights_sound")

    with (settings.weights_dir / "fake-1" / "probability.toml").open("a") as stream:
        stream.write("\n")
    model_id, found = check_weights(settings)
    assert (model_id, found.state, found.key) == (None, State.PROBLEM, "weights_broken")
    assert "probability.toml" in str(found.error)

    (settings.weights_dir / "manifest.toml").unlink()
    assert check_weights(settings)[1].key == "weights_no_manifest"


def test_a_calibration_is_of_the_model_unchanged_and_young(home):
    settings = policy_files(home)
    made = datetime.now(UTC)
    assert ("ok", "calibrations_sound") in keys(check_policies_files(settings, MODEL_ID))
    late = keys(check_policies_files(settings, MODEL_ID, made + timedelta(days=3650)))
    assert late.count(("warning", "calibrations_old")) == 2

    path = calibration_path(settings.weights_dir / "fake-1", "night")
    path.write_text(path.read_text().replace("prior", "Prior"))
    assert ("problem", "calibrations_wrong") in keys(check_policies_files(settings, MODEL_ID))
    assert ("problem", "calibrations_wrong") in keys(check_policies_files(settings, "other@1"))


def test_a_broken_scenario_file_is_a_problem(home):
    settings = policy_files(home)
    settings.scenarios_file.write_text("[gate]\nsame_above = 7\n")
    assert keys(check_policies_files(settings, None)) == [("problem", "scenarios_wrong")]


def test_a_model_without_a_calibrated_score_is_a_warning(home):
    settings = policy_files(home)
    assert keys(check_score(settings, MODEL_ID)) == [("warning", "score_none")]
    assert keys(check_score(Settings(_env_file=None), "rts-r18@2")) == [("ok", "score_sound")]


def folder_keys(data: Path, root: Path) -> dict[str, tuple[str, str]]:
    settings = Settings(data_dir=data)
    found = check_folders(settings, root, root / "no-mounts")
    return {one.check: (one.state.value, one.key) for one in found}


def test_the_data_folder_is_for_its_owner_alone(home):
    data = home / "data"
    assert folder_keys(data, home)["data"] == ("ok", "data_not_yet")
    data.mkdir(mode=0o700)
    assert folder_keys(data, home)["data"] == ("ok", "data_sound")
    data.chmod(0o755)
    assert folder_keys(data, home)["data"] == ("warning", "data_open")
    data.rmdir()
    data.write_text("a file")
    assert folder_keys(data, home)["data"] == ("problem", "data_no_folder")
    assert folder_keys(data / "below", home)["data"] == ("problem", "data_impossible")


def test_a_folder_that_cannot_be_written_is_a_problem(home, monkeypatch):
    data = home / "data"
    data.mkdir(mode=0o700)
    (data / "audit.sqlite").touch()
    # root may write everywhere: what the kernel would say to others is said here
    monkeypatch.setattr(folders.os, "access", lambda path, _mode: path.name != "audit.sqlite")

    found = next(o for o in check_folders(Settings(data_dir=data), home) if o.check == "data")

    assert (found.key, found.values["names"]) == ("data_not_writable", "audit.sqlite")


def test_a_disk_that_fills_up_is_told_in_time(home, monkeypatch):
    def disk(free_mib: int, files: int = 10**6) -> tuple[str, str]:
        monkeypatch.setattr(folders, "room_in", lambda _folder: (free_mib, files))
        return folder_keys(home / "data", home)["disk"]

    assert disk(5000) == ("ok", "disk_sound")
    assert disk(900) == ("warning", "disk_short")
    assert disk(100) == disk(5000, files=10) == ("problem", "disk_full")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ext4", ("ok", "filesystem_sound")),
        ("nfs4", ("problem", "filesystem_network")),
        ("tmpfs", ("warning", "filesystem_volatile")),
    ],
)
def test_what_the_data_folder_lies_on_is_told(home, kind, expected):
    mounts = home / "mounts"
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"30 22 0:30 / {home} rw shared:1 - {kind} somewhere rw\n"
        "31 22 0:31 / /elsewhere rw - cifs somewhere rw\n"
    )

    found = check_folders(Settings(data_dir=home / "data"), home, mounts)

    assert expected in keys(found)
    assert filesystem_of(home / "data", home / "missing") == ""


def test_the_folders_of_supervisord_are_looked_at_where_it_is_used(home):
    (home / "deploy").mkdir()
    (home / "deploy" / "supervisord.conf").touch()
    assert folder_keys(home / "data", home)["logs"] == ("ok", "logs_missing")
    (home / "var" / "log").mkdir(parents=True)
    (home / "var" / "run").mkdir(mode=0o755)
    assert folder_keys(home / "data", home)["logs"] == ("warning", "logs_open")
    (home / "var" / "run").chmod(0o700)
    assert folder_keys(home / "data", home)["logs"][1] in ("logs_sound", "logs_short")


def gallery_with(data: Path, templates: int) -> None:
    with closing(SqliteGalleryStore(data)) as store:
        gallery = store.create(gallery_info("staff"))
        for number in range(templates):
            gallery.create_subject(f"s{number}", Profile(), [template(number)])
        gallery.index_kind()
        store.save()


def test_galleries_are_counted_and_their_indexes_compared(home):
    settings = Settings(data_dir=home / "data")
    assert check_galleries(settings, MODEL_ID)[0] == 0
    assert not (home / "data").exists()
    gallery_with(home / "data", 3)

    count, found = check_galleries(settings, ENROLLED_WITH)
    assert (count, keys(found)) == (3, [("ok", "galleries_sound")])
    assert keys(check_galleries(settings, "other@1")[1]) == [("warning", "galleries_other_model")]

    (index,) = (home / "data" / "index").iterdir()
    with index.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"?")
    assert keys(check_galleries(settings, ENROLLED_WITH)[1]) == [
        ("warning", "galleries_index_damaged")
    ]


def test_a_damaged_database_is_a_problem_and_a_sound_one_is_left_as_it_is(home):
    settings = Settings(data_dir=home / "data")
    gallery_with(home / "data", 3)
    database = home / "data" / "galleries.sqlite"
    before = {path.name: path.stat().st_mtime_ns for path in (home / "data").iterdir()}

    assert keys(check_databases(settings)) == [("ok", "databases_sound")]
    assert {path.name: path.stat().st_mtime_ns for path in (home / "data").iterdir()} == before

    content = bytearray(database.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    database.write_bytes(content)
    assert ("problem", "databases_damaged") in keys(check_databases(settings))
    database.write_bytes(b"no database at all, but long enough to be read as one" * 20)
    assert keys(check_galleries(settings, None)[1]) == [("problem", "galleries_unreadable")]
    (home / "data" / "restoring").touch()
    assert keys(check_galleries(settings, None)[1]) == [("problem", "galleries_unreadable")]


def test_a_running_owner_of_the_data_folder_is_known(home):
    data = home / "data"
    assert owner_process(data) is None
    with closing(SqliteGalleryStore(data)):
        assert owner_process(data) == os.getpid()
    assert owner_process(data) is None


def test_galleries_in_milvus_are_not_looked_at_and_no_password_is_told(home):
    settings = Settings(data_dir=home, milvus_uri="http://user:secret@milvus:19530")
    _, (found,) = check_galleries(settings, None)
    assert (found.state, found.values["uri"]) == (State.OK, "milvus:19530")


def test_a_clock_behind_the_audit_log_is_a_problem(home):
    settings = Settings(data_dir=home / "data")
    with closing(SqliteAuditLog(home / "data", 365)) as log:
        log.record(LOCAL, EVENT)
    now = datetime.now(UTC)

    assert check_clock(settings).state is State.OK
    assert check_clock(settings, now - timedelta(seconds=60)).state is State.OK
    behind = check_clock(settings, now - timedelta(hours=1))
    assert (behind.state, behind.key) == (State.PROBLEM, "clock_behind")
    assert behind.values["file"] == "audit.sqlite"
    assert check_clock(settings, now.replace(year=2150, day=1)).key == "clock_ahead"


def test_what_has_drifted_is_told(home):
    settings = Settings(data_dir=home / "data", drift_reference_pictures=500)
    assert check_drift(settings).key == "drift_nothing"
    rng = np.random.default_rng(0)
    with closing(open_drift(settings, MODEL_ID)) as drift:
        for low, high, count in ((0.6, 0.9, 700), (0.2, 0.5, 200)):
            for score in rng.uniform(low, high, count).tolist():
                drift.observe(Observation("identify", 0.5, (score,), Verdict.SAME))
    found = check_drift(settings)
    assert (found.state, found.key) == (State.WARNING, "drift_found")
    assert "ood_score" in str(found.values["names"])
    (home / "data" / "drift.json").write_text("{}")
    assert check_drift(settings).key == "drift_unreadable"
