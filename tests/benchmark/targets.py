"""What this project set itself to reach, and whether the last results in ``build/bench`` do."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.benchmark.machine import RESULTS_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["TARGETS", "Target", "read_results", "table", "value_of"]

PEER, MBF = "facenet-pytorch", "our detector, MBF"
CORES = ("1 core", "2 cores")


@dataclass(frozen=True, slots=True)
class Target:
    """One aim.

    Attributes
    ----------
    key : its name in the history
    what : in words
    bench : whose results have its figures
    figures : names of figures there; the worst of them counts
    unit : of the figures
    limit : what has to be reached; None: the figure only has to be stated
    at_most : whether ``limit`` is the highest that is allowed, and not the lowest
    """

    key: str
    what: str
    bench: str
    figures: tuple[str, ...]
    unit: str
    limit: float | None = None
    at_most: bool = False

    def worst(self, values: Sequence[float]) -> float:
        """Return the figure that counts."""
        return max(values) if self.at_most else min(values)

    def met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        if self.limit is None:
            return True
        return value <= self.limit if self.at_most else value >= self.limit

    @property
    def in_words(self) -> str:
        """The limit."""
        if self.limit is None:
            return "stated"
        return f"{'<=' if self.at_most else '>='} {self.limit:g} {self.unit}"


def _on_each(name: str) -> tuple[str, ...]:
    return tuple(f"{cores}: {name}" for cores in CORES)


TARGETS = (
    Target(
        "detection_ratio",
        f"detection against {PEER}'s MTCNN, equal settings, wall time",
        "detection",
        _on_each("equal settings, times as fast, wall"),
        "x",
        8.0,
    ),
    Target(
        "detection_recall",
        f"faces of {PEER}'s MTCNN that ours finds as well",
        "detection",
        ("equal settings: of theirs, ours found",),
        "%",
        99.0,
    ),
    Target(
        "extract_ratio_facenet",
        f"JPEG to features against {PEER}, wall time",
        "extract",
        _on_each(f"all: times as fast as {PEER}, wall"),
        "x",
        4.0,
    ),
    Target(
        "extract_ratio_mbf",
        "JPEG to features against MobileFaceNet MBF under ONNX Runtime, wall time",
        "extract",
        _on_each(f"all: times as fast as {MBF}, wall"),
        "x",
        1.5,
    ),
    Target(
        "throughput_ratio",
        "/v1/extract, requests a second: 8 clients against one",
        "throughput",
        ("extract, 8 clients against one",),
        "x",
        1.7,
    ),
    Target(
        "backbone_share",
        "backbone, 8 faces, bfloat16, one core: share of the peak",
        "roofline",
        ("1 core: backbone, 8 faces, share of the peak",),
        "%",
    ),
    Target("start_s", "warm start to ready", "start", ("warm start to ready",), "s", 4.0, True),
    Target(
        "resident_mb",
        "resident memory, ready and after 200 requests",
        "start",
        ("resident when ready", "resident after requests"),
        "MB",
        500.0,
        True,
    ),
)


def read_results(folder: Path = RESULTS_DIR) -> dict[str, dict[str, Any]]:
    """Return what lies in a folder, by benchmark; only those that a target needs."""
    found = {}
    for bench in {target.bench for target in TARGETS}:
        path = folder / f"{bench}.json"
        if path.is_file():
            found[bench] = json.loads(path.read_text(encoding="utf-8"))
    return found


def value_of(target: Target, results: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the figure of a target; None where it was not measured, or only in part."""
    figures = {
        figure["name"]: float(figure["value"])
        for figure in results.get(target.bench, {"figures": []})["figures"]
    }
    values = [figures[name] for name in target.figures if name in figures]
    return target.worst(values) if len(values) == len(target.figures) else None


def table(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines of the table: target, figure, met or not."""
    rows = [("target", "wanted", "figure", "")]
    for target in TARGETS:
        value = value_of(target, results)
        figure = "not measured" if value is None else f"{value:.2f} {target.unit}"
        verdict = "" if value is None else ("met" if target.met(value) else "NOT MET")
        rows.append((target.what, target.in_words, figure, verdict))
    runs = {result["run"] for result in results.values() if "run" in result}
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(runs) > 1:
        lines.append(f"The figures are of {len(runs)} runs: {', '.join(sorted(runs))}")
    return lines


def main() -> int:
    """Print the table."""
    print("\n" + "\n".join(table(read_results())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
