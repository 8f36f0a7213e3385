"""The commands of galleries with the shipped model, in data folders of their own."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ood_face.cli.app import app as cli
from ood_face.matching.sqlite import SqliteGalleryStore

PICTURES = Path(__file__).parents[1] / "pictures"
ROOT = PICTURES.parents[1]
SERIES = 20  # pictures of each of two people: more than a second of work


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def people(tmp_path):
    folder = tmp_path / "people"
    for subject, names in {
        "biden": ["biden_1.jpg"],
        "collins": ["astronaut.jpg"],
        "obama": ["obama_1.jpg", "obama_2.jpg"],
    }.items():
        (folder / subject).mkdir(parents=True)
        for name in names:
            shutil.copy(PICTURES / name, folder / subject)
    return folder


@pytest.fixture
def series(tmp_path):
    """Return a folder with many pictures of two people."""
    for subject, name in (("collins", "astronaut.jpg"), ("obama", "obama_1.jpg")):
        folder = tmp_path / "series" / subject
        folder.mkdir(parents=True)
        with Image.open(PICTURES / name) as portrait:
            for number in range(SERIES):
                portrait.save(folder / f"{number:02}.jpg", quality=70 + number)
    return tmp_path / "series"


def run(*args: str):
    return CliRunner().invoke(cli, ["gallery", *map(str, args)])


def body_of(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def started(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ood_face.cli", "gallery", *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_people_are_enrolled_found_copied_and_erased(data, people, tmp_path):
    assert run("create", "staff", "--keep-crops").exit_code == 0
    assert run("enroll", "staff", people).exit_code == 0
    found = body_of(run("identify", "staff", PICTURES / "obama_3.jpg", "--json"))
    assert (found["verdict"], found["candidates"][0]["subject_id"]) == ("identified", "obama")
    assert found["margin"] > 0.3
    assert run("verify", "staff", "obama", PICTURES / "obama_3.jpg").exit_code == 0
    assert run("verify", "staff", "biden", PICTURES / "obama_3.jpg").exit_code == 1
    assert run("check").exit_code == 0
    copied = body_of(run("copy", "staff", "--to", tmp_path / "other", "--as", "copy", "--json"))
    assert (copied["subjects"], copied["templates"], copied["crops"]) == (3, 4, 4)
    back = body_of(
        run("copy", "copy", "--from", tmp_path / "other", "--to", data, "--as", "back", "--json")
    )
    assert (back["subjects"], back["probes"]) == (3, 4)
    assert run("delete", "staff", "--yes").exit_code == 0
    assert run("remove", "back", "obama").exit_code == 0
    result = run("identify", "back", PICTURES / "obama_3.jpg")
    assert (result.exit_code, "not enrolled here" in result.stdout) == (1, True)


def test_a_copy_needs_another_place_or_name_and_a_source_that_is_there(data, tmp_path):
    run("create", "staff")
    assert run("copy", "staff", "--to", data).exit_code == 2
    assert run("copy", "staff", "--to", f"{data}/../data", "--as", "twin").exit_code == 0
    assert [one["name"] for one in body_of(run("list", "--json"))] == ["staff", "twin"]
    result = run("copy", "x", "--from", tmp_path / "none", "--to", data)
    assert (result.exit_code, "none is not there" in result.stderr) == (7, True)
    assert not (tmp_path / "none").exists()


def test_a_copy_into_a_file_of_milvus(people, tmp_path):
    run("create", "staff")
    run("enroll", "staff", people)
    copied = body_of(run("copy", "staff", "--to", tmp_path / "milvus.db", "--json"))
    assert (copied["subjects"], copied["templates"], copied["probes"]) == (3, 4, 4)


def test_a_gallery_of_another_process_is_left_alone_and_the_process_named(data, people):
    run("create", "staff")
    store = SqliteGalleryStore(data)
    try:
        for command in (("list",), ("enroll", "staff", people), ("remove", "staff", "x")):
            result = run(*command)
            assert (result.exit_code, result.stdout) == (9, "")
            assert f"in use by process {os.getpid()}" in result.stderr
    finally:
        store.close()
    assert run("list").exit_code == 0


def test_a_damaged_database_is_found_out(data, people):
    run("create", "staff")
    run("enroll", "staff", people)
    file = data / "galleries.sqlite"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    result = run("check")
    assert (result.exit_code, "is damaged" in result.stderr) == (9, True)


def test_ctrl_c_ends_in_order_and_the_next_run_goes_on(series):
    run("create", "staff", "--max-templates", "20")
    process = started("enroll", "staff", series, "--json")
    lines = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    *more, last = process.communicate(timeout=120)[0].splitlines()
    summary = json.loads(last)["summary"]
    assert process.returncode == 130
    assert summary["interrupted"] is True
    assert summary["enrolled"] == len(lines) + len(more) < 2 * SERIES
    again = run("enroll", "staff", series, "--json")
    *pictures, last = (json.loads(line) for line in again.stdout.splitlines())
    assert last["summary"]["unchanged"] == summary["enrolled"]
    assert len(pictures) == 2 * SERIES


def test_what_a_killed_run_has_reported_is_enrolled(series, tmp_path):
    run("create", "staff", "--max-templates", "20")
    report = tmp_path / "report.csv"
    process = started("enroll", "staff", series, "--report", report, "--json")
    for _ in range(2):
        process.stdout.readline()
    process.kill()
    process.communicate(timeout=120)
    reported = [row["picture"] for row in rows_of(report)]
    assert 2 <= len(reported) < 2 * SERIES
    assert run("enroll", "staff", series, "--report", report).exit_code == 0
    after = {row["picture"]: row["status"] for row in rows_of(report)}
    assert {after[name] for name in reported} == {"unchanged"}
    assert body_of(run("show", "staff", "--json"))["templates"] == 2 * SERIES
