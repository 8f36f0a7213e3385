"""The numbers behind every plot of a report, column by column; the plots are drawn from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ood_face.calibration.operating_points import OperatingPoint, Rate
    from ood_face.calibration.own_report_values import (
        Discard,
        ErrorTradeOff,
        Gate,
        Judged,
        Operating,
        OwnReport,
        ReliabilityChange,
        SameFigures,
        Scores,
        Similarities,
    )

    Table = Mapping[str, list[Any]]

__all__ = ["SECTIONS", "operating_row", "plot_tables"]

# name of the plot and its table -> field of the report
SECTIONS = {
    "scores": "scores",
    "similarities": "similarities",
    "det": "trade_off",
    "discard": "discard",
    "reliability": "reliability",
    "operating_points": "operating",
    "same": "same",
}


def plot_tables(report: OwnReport) -> dict[str, Table]:
    """Return the tables of the sections that could be made, by the names of ``SECTIONS``."""
    make: dict[str, Callable[[Any], Table]] = {
        "scores": _scores,
        "similarities": _similarities,
        "det": _det,
        "discard": _discard,
        "reliability": _reliability,
        "operating_points": _operating,
        "same": _same,
    }
    found = {name: getattr(report, field) for name, field in SECTIONS.items()}
    return {
        name: make[name](section)
        for name, section in found.items()
        if not isinstance(section, InputError)
    }


def operating_row(fmr: float, gate: Gate, point: OperatingPoint | InputError) -> dict[str, Any]:
    """Return one operating point flat, or None for every figure and why there is none."""
    row: dict[str, Any] = {"fmr": fmr, "gate": gate}
    for name in ("threshold", "fnmr", "measured_fmr"):
        rate = None if isinstance(point, InputError) else getattr(point, name)
        row |= _flat(name, rate)
    for name in ("mated_pairs", "impostor_pairs"):
        row[name] = None if isinstance(point, InputError) else getattr(point, name)
    return row | {"refused": str(point) if isinstance(point, InputError) else None}


def _flat(name: str, rate: Rate | None) -> dict[str, float | None]:
    ends = (None, None) if rate is None or rate.interval is None else rate.interval
    value = None if rate is None else rate.value
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def _scores(found: Scores) -> Table:
    edges = found.histogram.edges.tolist()
    counts = found.histogram.counts.tolist()
    return {"score_from": edges[:-1], "score_to": edges[1:], "pictures": counts}


def _similarities(found: Similarities) -> Table:
    edges = found.mated.edges.tolist()
    return {
        "similarity_from": edges[:-1],
        "similarity_to": edges[1:],
        "pairs_of_one_person": found.mated.counts.tolist(),
        "pairs_of_two_people": found.impostor.counts.tolist(),
    }


def _det(found: ErrorTradeOff) -> Table:
    return {"fmr": found.fmr.tolist(), "fnmr": found.fnmr.tolist()}


def _discard(found: Discard) -> Table:
    lines = {f"fnmr_{name}": line.fnmr.tolist() for name, line in found.lines.items()}
    return {"discarded_share": found.discard_rate.tolist(), **lines}


def _reliability(found: ReliabilityChange) -> Table:
    before, after = _bins(found.before), _bins(found.after)
    stages = ["before"] * len(before["pairs"]) + ["after"] * len(after["pairs"])
    return {"calibration": stages, **{name: [*before[name], *after[name]] for name in before}}


def _same(found: SameFigures) -> Table:
    return _bins(found.judged)


def _bins(found: Judged) -> dict[str, list[Any]]:
    return {
        "predicted": found.predicted.tolist(),
        "observed": found.observed.tolist(),
        "pairs": found.counts.tolist(),
    }


def _operating(found: Operating) -> Table:
    rows = [operating_row(*point) for point in found.points()]
    return {name: [row[name] for row in rows] for name in rows[0]}
