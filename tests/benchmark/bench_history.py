"""Keep the figures of the targets for this release in ``history.json``, and print all releases.

``make bench`` measures; then ``make bench BENCH_ARGS=history`` (never part of ``make bench``
itself) takes the results from ``build/bench``. One entry a version and kind of processor: measured
again, it is replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ood_face
from tests.benchmark.targets import TARGETS, read_results, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["HISTORY", "HistoryError", "entry_of", "kind_of", "read_history", "table", "with_entry"]

HISTORY = Path(__file__).with_name("history.json")
MACHINE = ("cpu", "cores", "memory_gib", "load_1_min", "python")


class HistoryError(ValueError):
    """The results are not those of one whole run; carries what is missing."""


def entry_of(results: Mapping[str, Mapping[str, Any]], version: str) -> dict[str, Any]:
    """Return the entry of a release.

    Parameters
    ----------
    results : of the benchmarks, by name, as :func:`tests.benchmark.targets.read_results` gives them
    version : of the release

    Raises
    ------
    HistoryError
        A target's figure is missing, or the results are of more than one commit.
    """
    figures = {target.key: value_of(target, results) for target in TARGETS}
    missing = {target.bench for target in TARGETS if figures[target.key] is None}
    if missing:
        message = f"run `make bench` first: figures are missing in {', '.join(sorted(missing))}"
        raise HistoryError(message)
    commits = {name: result["commit"] for name, result in results.items()}
    if len(set(commits.values())) > 1:
        listed = ", ".join(f"{name}: {commit}" for name, commit in sorted(commits.items()))
        message = f"the results are of several commits, run `make bench` again ({listed})"
        raise HistoryError(message)
    first = min(results.values(), key=lambda result: result["run"])
    return {
        "version": version,
        "commit": first["commit"],
        "date": first["run"],
        "machine": {name: first["machine"][name] for name in MACHINE},
        "figures": {
            target.key: {"value": round(figures[target.key], 3), "unit": target.unit}
            for target in TARGETS
        },
    }


def with_entry(history: Sequence[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the history with an entry as the newest, instead of one of the same kind."""
    return [*(old for old in history if kind_of(old) != kind_of(entry)), entry]


def kind_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return version and processor of an entry: of each two there is one."""
    return entry["version"], entry["machine"]["cpu"]


def read_history(path: Path = HISTORY) -> list[dict[str, Any]]:
    """Return the entries, oldest first; none where there is no file."""
    if not path.is_file():
        return []
    return json.loads(path.read_text(encoding="utf-8"))["releases"]


def write_history(history: Sequence[dict[str, Any]], path: Path = HISTORY) -> None:
    """Write the entries."""
    path.write_text(json.dumps({"releases": list(history)}, indent=1) + "\n", encoding="utf-8")


def table(history: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines of the table: a column for each entry; below, what is said of one."""
    rows = [["", *(entry["version"] for entry in history)]]
    rows.append(["processor", *(entry["machine"]["cpu"] for entry in history)])
    rows.append(["commit", *(entry["commit"] for entry in history)])
    rows.append(["date", *(entry["date"][:10] for entry in history)])
    for target in TARGETS:
        figures = [entry["figures"].get(target.key) for entry in history]
        cells = ["" if figure is None else f"{figure['value']:g}" for figure in figures]
        rows.append([f"{target.what} ({target.unit})", *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return lines + [f"{entry['version']}: {entry['note']}" for entry in history if "note" in entry]


def main() -> int:
    """Add this release, and print."""
    try:
        entry = entry_of(read_results(), ood_face.__version__)
    except HistoryError as exc:
        print(exc, file=sys.stderr)
        return 1
    history = with_entry(read_history(), entry)
    write_history(history)
    print("\n" + "\n".join(table(history)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
