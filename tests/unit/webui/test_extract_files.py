"""The gallery of faces, and the table for spreadsheets."""

from __future__ import annotations

import csv
import io

import numpy as np

from tests.unit.webui.test_views import EN, template
from webui.outcomes import ExtractOutcome, FileOutcome, Marks
from webui.views.extract import extract_view
from webui.views.extract_files import features_csv


def test_a_spreadsheet_gets_every_number_and_no_formula():
    faces = (template(), template(None, seed=1))
    result = ExtractOutcome("m-1", (FileOutcome("=1+1.jpg", Marks(50, 50), faces),))
    rows = list(csv.reader(io.StringIO(features_csv(result).decode("utf-8-sig"))))

    header, first, second = rows
    assert (len(header), header[0], header[-1]) == (522, "file", "feature_511")
    assert first[0] == "'=1+1.jpg"
    assert first[1:4] == ["1", "m-1", "0.7"]
    assert second[3:5] == ["", ""]
    assert np.array_equal(np.float32(first[10:]), faces[0].feature)
    assert 'download="faces.csv"' in extract_view(result, EN)


def test_every_face_has_its_part_of_the_picture():
    good, bad = FileOutcome("a.jpg", Marks(60, 80), (template(),)), FileOutcome("b.jpg", Marks())
    html = extract_view(ExtractOutcome("m-1", (bad, good)), EN)

    # the box is 30 x 40 px at (1, 2); with its margin a square of 50 px that stays inside
    assert 'data-picture="1"' in html
    assert "background-size:120.0% 160.0%;background-position:0.0% 0.0%" in html
