"""A report on somebody's own pictures as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.calibration.own_report_tables import SECTIONS, operating_row
from ood_face.errors import InputError
from ood_face.evaluation.card.text import joined, number, percent, table
from ood_face.evaluation.predictions import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.calibration.own_report_values import Judged, OwnReport

__all__ = ["report_page"]

TITLES = {
    "scores": "Scores",
    "similarities": "Similarities",
    "det": "Detection error trade-off",
    "discard": "Error versus discard",
    "reliability": "Calibration",
    "operating_points": "Operating points",
    "same": "P(same) of the model",
}
WORDS = {
    "ece": "calibration error (ECE)",
    "ece_equal_mass": "the same, bins of equal mass",
    "mce": "largest calibration error (MCE)",
    "brier": "Brier score",
    "nll": "log loss",
    "accuracy": "accuracy at 1/2",
}


def report_page(report: OwnReport) -> str:
    """Render report.md, which shows the plots that lie beside it."""
    make: dict[str, Callable[[Any], str]] = {
        "scores": lambda found: _scores(report, found),
        "similarities": lambda _: _similarities(report),
        "det": _det,
        "discard": _discard,
        "reliability": _reliability,
        "operating_points": lambda found: _operating(report, found),
        "same": _same,
    }
    parts = [_head(report)]
    for name, field in SECTIONS.items():
        section = getattr(report, field)
        if isinstance(section, InputError):
            text = f"Not measured: {section}."
        else:
            plot = "" if name == "operating_points" else f"![{TITLES[name]}]({name}.png)"
            text = joined(make[name](section), plot, f"Numbers: [{name}.csv]({name}.csv)").rstrip()
        parts += [f"## {TITLES[name]}", text]
    return joined(*parts)


def _head(report: OwnReport) -> str:
    return joined(
        f"# {report.model_id} on {report.source}",
        f"{report.pictures:,} pictures, {report.faces:,} with a face, of {report.people:,} people; "
        f"{report.mated_pairs:,} pairs of one person and {report.impostor_pairs:,} of two. "
        f"Scenario: {report.scenario.name}. Listed pairs: {report.rule}.",
        "In brackets: 95 % intervals over people drawn anew. What the pictures cannot carry is not "
        "stated; the section says what is lacking.",
    ).rstrip()


def _scores(report: OwnReport, found: Any) -> str:  # noqa: ANN401 - the section
    return (
        f"The mean `ood_score` is {found.mean:.3f}. The gate of {report.scenario.name} asks "
        f"to take {found.refused:,} of {report.faces:,} pictures again."
    )


def _similarities(report: OwnReport) -> str:
    low, high = report.scenario.different_below, report.scenario.same_above
    return (
        f"Cosines of the features, in steps of 0.02. {report.scenario.name} says the same above "
        f"{high:g}, different below {low:g}, review between."
    )


def _det(found: Any) -> str:  # noqa: ANN401
    return (
        f"From {found.mated_pairs:,} pairs of one person and {found.impostor_pairs:,} of two. By "
        f"the rule of 3 they carry no false match rate below {found.smallest_fmr:.2g}."
    )


def _discard(found: Any) -> str:  # noqa: ANN401
    rows = [
        (name, number(line.area.value, line.area.interval, 4)) for name, line in found.lines.items()
    ]
    return joined(
        f"At FMR {found.fmr:g} (similarity above {found.threshold:.4f}), from "
        f"{found.mated_pairs:,} pairs of one person and {found.impostor_pairs:,} of two; the pairs "
        "with the worst picture are left out first. `random` leaves out by chance, `ideal` by the "
        "similarity itself, which no score can know.",
        table(("left out by", "mean FNMR from 0 to 20 % left out"), rows),
    ).rstrip()


def _reliability(found: Any) -> str:  # noqa: ANN401
    claims, method = found.calibration.claims, found.calibration.scaling.method
    return joined(
        f"{method}, fitted on {found.fit_pairs:,} pairs of {found.fit_people} people, tested on "
        f"{found.test_pairs:,} pairs of {found.test_people} others; pairs across the halves are in "
        "neither. Both kinds of pairs weigh the same.",
        table(
            ("", "before", "after"),
            zip(WORDS.values(), _cells(found.before), _cells(found.after), strict=True),
        ),
        f"Probabilities stay within {claims.lowest:.4f}..{claims.highest:.4f}: so much the "
        "test can carry (rule of 3).",
    ).rstrip()


def _operating(report: OwnReport, found: Any) -> str:  # noqa: ANN401
    rows, lacking = [], []
    for fmr, gate, point in found.points():
        row = operating_row(fmr, gate, point)
        if row["refused"] is not None:
            lacking.append(f"- FMR {fmr:g}, {gate} gate: {row['refused']}.")
            continue
        cells = [f"{fmr:g}", gate, _cell(row, "threshold")]
        cells += [_cell(row, name, 100) for name in ("fnmr", "measured_fmr")]
        rows.append([*cells, f"{row['mated_pairs']:,}", f"{row['impostor_pairs']:,}"])
    header = ("FMR", "gate", "similarity above", "FNMR (%)", "measured FMR (%)")
    cost = (
        ""
        if found.retake is None
        else f"The gate of {report.scenario.name} asks "
        f"{percent(found.retake.value, found.retake.interval)} of {found.people} people for "
        f"another picture; {percent(found.never)} have none that passes."
    )
    made = table((*header, "pairs of one person", "of two"), rows) if rows else ""
    return joined(made, "\n".join(lacking), cost).rstrip()


def _same(found: Any) -> str:  # noqa: ANN401
    return joined(
        f"P(same) that comes with the model, at a prior of 1/2, on {found.mated_pairs:,} pairs of "
        f"one person and {found.impostor_pairs:,} of two, of {found.people} people; both kinds "
        "weigh the same.",
        table(("", "P(same)"), zip(WORDS.values(), _cells(found.judged), strict=True)),
    ).rstrip()


def _cells(found: Judged) -> list[str]:
    rates = (found.figures[name] for name in FIGURES)
    return [number(rate.value, rate.interval, 4) for rate in rates]


def _cell(row: dict[str, Any], name: str, scale: float = 1) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = None if low is None else (scale * low, scale * high)
    return number(scale * row[name], ends, 4 if scale == 1 else 3)
