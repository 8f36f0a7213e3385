from __future__ import annotations

import csv
import io
import json
import re
from importlib import resources

import pytest

from webui.plots import Axis, bars, csv_text, library_address, lines, marked, steps

AXES = (Axis("similarity"), Axis("share", percent=True))
TABLE = {"from": [0.0, 0.5], "to": [0.5, 1.0], "count": [3, 7]}
SHARES = {"reference": [0.3, 0.7], "now": [0.6, 0.4]}


def every_plot():
    return [
        bars("bars", ["low", "high"], SHARES, AXES, TABLE),
        steps("steps", [0.0, 0.5, 1.0], SHARES, AXES, TABLE),
        lines("lines", {"one": ([0, 1], [1, 0], "solid")}, AXES, TABLE),
        marked(bars("m", ["low", "high"], SHARES, AXES, TABLE), 0.4, "limit", "left"),
    ]


def test_every_plot_is_json_whose_colours_follow_the_page():
    for plot in every_plot():
        text = json.dumps(plot.figure)
        colours = re.findall(r'"color": "([^"]*)"', text)
        assert colours
        assert all(colour.startswith("@") for colour in colours), plot.name


def test_axes_have_their_titles_and_their_numbers():
    layout = lines(
        "det",
        {"model": ([0.1, 0.01], [0.2, 0.3], "dashed")},
        (Axis("strangers", logarithmic=True, percent=True), Axis("missed", 0, 1)),
        TABLE,
    ).figure["layout"]

    assert layout["xaxis"]["title"]["text"] == "strangers"
    assert (layout["xaxis"]["type"], layout["xaxis"]["tickformat"]) == ("log", ".3~%")
    assert layout["yaxis"]["range"] == [0, 1]


def test_histograms_lie_over_the_same_edges():
    plot = steps("s", [0.0, 0.5, 1.5], SHARES, AXES, TABLE)

    for drawn, heights in zip(plot.figure["data"], SHARES.values(), strict=True):
        assert drawn["x"] == [0.25, 1.0]
        assert drawn["width"] == [0.5, 1.0]
        assert drawn["y"] == heights
    assert plot.figure["layout"]["barmode"] == "overlay"


def test_a_marked_place_keeps_what_was_marked_before():
    twice = marked(marked(every_plot()[0], 0.1, "a", "left"), 0.9, "b", "right")
    layout = twice.figure["layout"]

    assert [shape["x0"] for shape in layout["shapes"]] == [0.1, 0.9]
    assert [note["text"] for note in layout["annotations"]] == ["a", "b"]
    assert [note["xanchor"] for note in layout["annotations"]] == ["right", "left"]
    assert "shapes" not in every_plot()[0].figure["layout"]


def test_numbers_become_csv_that_reads_back():
    table = {"name": ['with "quotes", and commas', "缺"], "share": [0.25, 1]}
    rows = list(csv.reader(io.StringIO(csv_text(table))))

    assert rows == [["name", "share"], ['with "quotes", and commas', "0.25"], ["缺", "1"]]


def test_columns_of_different_lengths_are_no_table():
    with pytest.raises(ValueError, match="zip"):
        csv_text({"a": [1, 2], "b": [1]})


def test_gradio_brings_the_script_that_draws():
    folder, _, name = library_address().partition("/")
    script = resources.files("gradio").joinpath("templates", "frontend", folder, name)

    assert "window.Plotly=" in script.read_text(encoding="utf-8")
