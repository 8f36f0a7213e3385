"""The targets and the history of releases."""

from __future__ import annotations

import json
import re

import pytest

from tests.benchmark.bench_history import (
    MACHINE,
    HistoryError,
    entry_of,
    kind_of,
    read_history,
    table,
    with_entry,
    write_history,
)
from tests.benchmark.targets import TARGETS, Target, read_results, value_of
from tests.benchmark.targets import table as targets_table

AT_LEAST = Target("a", "fast", "one", ("first", "second"), "x", 4.0)
AT_MOST = Target("b", "small", "one", ("first", "second"), "MB", 4.0, at_most=True)


def result(run="2026-01-01T00:00:00Z", commit="abc", **figures):
    about = dict.fromkeys(MACHINE, "a machine")
    named = [{"name": name, "value": value, "unit": "x"} for name, value in figures.items()]
    return {"run": run, "commit": commit, "machine": about, "figures": named}


def whole_run(**changes):
    """Return results in which every target has a figure."""
    made = {}
    for target in TARGETS:
        made.setdefault(target.bench, result(**changes))
        made[target.bench]["figures"] += [
            {"name": name, "value": 5.0, "unit": target.unit} for name in target.figures
        ]
    return made


def test_the_worst_figure_counts():
    results = {"one": result(first=3.0, second=5.0)}

    assert value_of(AT_LEAST, results) == 3.0
    assert value_of(AT_MOST, results) == 5.0


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (AT_LEAST, 4.0, True),
        (AT_LEAST, 3.99, False),
        (AT_MOST, 4.0, True),
        (AT_MOST, 4.01, False),
        (Target("c", "stated", "one", ("first",), "%"), 0.0, True),
    ],
)
def test_a_limit_is_reached_or_not(target, value, met):
    assert target.met(value) is met


def test_a_figure_that_is_missing_is_not_measured():
    assert value_of(AT_LEAST, {}) is None
    assert value_of(AT_LEAST, {"one": result(first=3.0)}) is None


def test_the_table_says_what_is_met_and_what_was_not_measured():
    results = whole_run()
    del results["start"]

    lines = targets_table(results)

    assert len(lines) == len(TARGETS) + 1
    assert re.search(r">= 4 x +5\.00 x +met$", "\n".join(lines), re.MULTILINE)
    assert re.search(r">= 8 x +5\.00 x +NOT MET$", "\n".join(lines), re.MULTILINE)
    assert re.search(r"<= 4 s +not measured$", "\n".join(lines), re.MULTILINE)


def test_the_table_says_where_figures_are_of_several_runs():
    results = whole_run()
    results["start"]["run"] = "2026-01-02T00:00:00Z"

    assert targets_table(results)[-1].startswith("The figures are of 2 runs")


def test_results_are_read_from_the_folder(tmp_path):
    (tmp_path / "start.json").write_text(json.dumps(result(first=1.0)), encoding="utf-8")
    (tmp_path / "page.json").write_text("no target needs it", encoding="utf-8")

    assert read_results(tmp_path) == {"start": result(first=1.0)}


def test_an_entry_has_every_target():
    entry = entry_of(whole_run(commit="abc"), "1.2.3")

    assert (entry["version"], entry["commit"]) == ("1.2.3", "abc")
    assert set(entry["figures"]) == {target.key for target in TARGETS}
    assert entry["figures"]["start_s"] == {"value": 5.0, "unit": "s"}


def test_an_entry_is_refused_where_a_figure_is_missing():
    results = whole_run()
    results["detection"]["figures"].pop()

    with pytest.raises(HistoryError, match="missing in detection"):
        entry_of(results, "1.2.3")


def test_an_entry_is_refused_where_the_results_are_of_several_commits():
    results = whole_run()
    results["start"]["commit"] = "def"

    with pytest.raises(HistoryError, match=r"several commits.*detection: abc.*start: def"):
        entry_of(results, "1.2.3")


def test_a_release_that_is_measured_again_stands_once(tmp_path):
    path = tmp_path / "history.json"
    for version, commit in (("1.0.0", "a"), ("1.1.0", "b"), ("1.1.0", "c")):
        entry = entry_of(whole_run(commit=commit), version)
        write_history(with_entry(read_history(path), entry), path)

    kept = read_history(path)

    assert [(entry["version"], entry["commit"]) for entry in kept] == [
        ("1.0.0", "a"),
        ("1.1.0", "c"),
    ]
    assert table(kept)[0].split() == ["1.0.0", "1.1.0"]


def test_another_processor_has_an_entry_of_its_own():
    entry = entry_of(whole_run(), "1.0.0")
    other = entry | {"machine": entry["machine"] | {"cpu": "another"}}

    kept = with_entry([entry], other)

    assert kept == [entry, other]
    assert table(kept)[1].split()[0] == "processor"
    assert table(kept)[1].endswith("another")


def test_what_is_said_of_a_release_stands_below_the_table():
    entry = entry_of(whole_run(), "1.0.0") | {"note": "a busy machine"}

    assert table([entry])[-1] == "1.0.0: a busy machine"


def test_the_history_of_this_project_has_every_figure_of_its_newest_release():
    history = read_history()

    assert history
    kinds = [kind_of(entry) for entry in history]
    assert len(set(kinds)) == len(kinds)
    for entry in history:
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert re.fullmatch(r"[0-9a-f]{7,40}\+?", entry["commit"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["date"])
        assert set(entry["machine"]) == set(MACHINE)
        for figure in entry["figures"].values():
            assert isinstance(figure["value"], float | int)
    newest = history[-1]["figures"]
    assert {key: figure["unit"] for key, figure in newest.items()} == {
        target.key: target.unit for target in TARGETS
    }
