from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest

from tests.unit.service.people import ANN, BEN, CAT

PEOPLE = {"ann": ANN, "ben": BEN, "cat": CAT}


@pytest.fixture
def staff(run):
    assert run("gallery", "create", "staff").exit_code == 0
    return run


def ids_in(run) -> list[str]:
    page = json.loads(run("gallery", "subjects", "staff", "--json").stdout)
    return [one["subject_id"] for one in page["subjects"]]


def write_csv(run, text: str, encoding: str = "utf-8") -> str:
    (run.folder / "list.csv").write_bytes(text.encode(encoding))
    return "list.csv"


def test_a_folder_with_a_folder_for_each_subject(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff.file("in/ann/more/2.png", 44, colour=ANN)
    staff.file("in/ben/1.png", 48, colour=BEN)
    staff.file("in/.hidden/1.png", 52, colour=CAT)
    staff.file("in/ann/Thumbs.db", 56, colour=CAT)
    result = staff("gallery", "enroll", "staff", "in")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "ann/1.png: ann  0.667  enrolled",
        "ann/more/2.png: ann  0.667  enrolled",
        "ben/1.png: ben  0.667  enrolled",
        "Pictures: 3. Enrolled: 3; enrolled before: 0; not kept, as the subject has better ones: "
        "0; refused: 0.",
    ]
    assert result.stderr == ""
    assert ids_in(staff) == ["ann", "ben"]


def test_a_flat_folder_takes_the_names_of_the_files(staff):
    for name, colour in PEOPLE.items():
        staff.file(f"in/{name}.png", 40, colour=colour)
    staff.file("in/folder/x.png", 44, colour=ANN)
    result = staff("gallery", "enroll", "staff", "in", "--flat")
    assert result.exit_code == 10
    assert result.stderr.startswith("ood-face: folder: with --flat, the pictures lie in the folder")
    assert ids_in(staff) == ["ann", "ben", "cat"]


def test_a_file_beside_the_subjects_is_not_passed_over_in_silence(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    staff.file("in/loose.png", 40, colour=BEN)
    result = staff("gallery", "enroll", "staff", "in")
    assert (result.exit_code, "loose.png: this file lies in no subject" in result.stderr) == (
        10,
        True,
    )
    assert ids_in(staff) == ["ann"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_with_names_and_metadata(staff, encoding):
    for name, colour in PEOPLE.items():
        staff.file(f"photos/{name}.png", 40, colour=colour)
    staff.file("photos/ann-2.png", 44, colour=ANN)
    (staff.folder / "lists").mkdir()
    text = (
        "image,subject_id,name,department\r\n"
        "../photos/ann.png,a-1,王安,sales\r\n"
        '../photos/ann-2.png,a-1,,""\r\n'
        "\r\n"
        "../photos/ben.png,b-1,,\r\n"
        f"{staff.folder}/photos/cat.png,c-1,,IT\r\n"
    )
    (staff.folder / "lists/all.csv").write_bytes(text.encode(encoding))
    result = staff("gallery", "enroll", "staff", "lists/all.csv")
    assert result.exit_code == 0, result.stderr
    shown = [
        json.loads(staff("gallery", "subject", "staff", who, "--json").stdout)
        for who in ("a-1", "b-1", "c-1")
    ]
    assert [(one["name"], one["metadata"], len(one["templates"])) for one in shown] == [
        ("王安", {"department": "sales"}, 2),
        (None, {}, 1),
        (None, {"department": "IT"}, 1),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has: -"),
        ("picture,id\na.png,1\n", "it has: picture, id"),
        ("image;subject_id\na.png;1\n", "it has: image;subject_id"),
        ("image,subject_id,name,name\n", "each column once"),
        ("image,subject_id\na.png,1,2\n", "line 2 of list.csv has not as many cells"),
        ("image,subject_id\n", "list.csv has no pictures"),
        ('image,subject_id\n"a.png,1\n', "cannot be read: unexpected end of data"),
        ("image,subject_id,name\na,1,Ann\nb,1,Bea\n", "line 3 of list.csv: name of subject 1"),
    ],
)
def test_a_csv_that_is_no_such_list_is_refused_before_anything_is_done(staff, text, words):
    result = staff("gallery", "enroll", "staff", write_csv(staff, text), "--report", "r.csv")
    assert (result.exit_code, result.stdout) == (7, "")
    assert words in result.stderr
    assert not (staff.folder / "r.csv").exists()


def test_a_csv_in_another_encoding_is_refused(staff):
    text = "image,subject_id,name\na.png,1,王安\n"
    result = staff("gallery", "enroll", "staff", write_csv(staff, text, "gb18030"))
    assert (result.exit_code, "it is no UTF-8 text" in result.stderr) == (7, True)


@pytest.mark.parametrize("source", ["none", "empty"])
def test_a_source_without_pictures(staff, source):
    (staff.folder / "empty").mkdir()
    result = staff("gallery", "enroll", "staff", source)
    assert (result.exit_code, result.stderr.count("\n"), source in result.stderr) == (7, 1, True)


def test_an_id_taken_apart_by_the_file_system_is_put_together(staff):
    staff.file("in/" + unicodedata.normalize("NFD", "josé") + "/1.png", 40, colour=ANN)
    assert staff("gallery", "enroll", "staff", "in").exit_code == 0
    assert ids_in(staff) == [unicodedata.normalize("NFC", "josé")]


def test_a_file_name_that_is_no_text_is_named_byte_by_byte(staff):
    staff.file("in/ann/1.png", 40, colour=ANN)
    Path("in/ann/1.png").rename(os.fsdecode(b"in/ann/\xff.png"))
    result = staff("gallery", "enroll", "staff", "in", "--report", "report.csv")
    assert result.exit_code == 0
    assert result.stdout.startswith("ann/\\udcff.png: ann")
    assert b"ann/\xff.png" in (staff.folder / "report.csv").read_bytes()
