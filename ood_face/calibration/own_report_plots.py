"""The plots of a report on somebody's own pictures, drawn from its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.calibration.plots import COLOURS, draw_diagram
from ood_face.evaluation.plots import new_figure, write_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from ood_face.calibration.own_report_tables import Table
    from ood_face.calibration.own_report_values import OwnReport

__all__ = ["draw_own_plots", "own_figure"]

ONE, TWO = "#0072B2", "#D55E00"  # one person, two people; from Okabe and Ito's palette
WIDE_IN, SIZE_IN = (9.0, 4.6), (6.4, 4.4)
DISCARD_LINES = {
    "ood_score": ("ood_score", ONE, "-", 2.5),
    "random": ("random", "#777777", ":", 1.3),
    "ideal": ("ideal (the similarity itself)", "#000000", "--", 1.3),
}


def draw_own_plots(report: OwnReport, tables: Mapping[str, Table], folder: Path) -> None:
    """Draw a PNG of every table that has a plot, named as the table.

    Raises
    ------
    InputError
        One can't be written.
    """
    for name in tables:
        if name in _DRAWN:
            write_figure(own_figure(report, name, tables[name]), folder / f"{name}.png")


def own_figure(report: OwnReport, name: str, table: Table) -> Figure:
    """Return the plot of one table.

    Parameters
    ----------
    name : of the table, any but ``operating_points``
    """
    wide = name == "reliability"
    figure = new_figure(WIDE_IN if wide else SIZE_IN)
    axes: Any = figure.subplots(1, 2) if wide else figure.subplots()
    _DRAWN[name](axes, report, table)
    for one in figure.axes:
        one.grid(alpha=0.3)
    return figure


def _scores(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401 - matplotlib's Axes
    total = sum(table["pictures"])
    edges = [*table["score_from"], table["score_to"][-1]]
    axes.stairs(table["pictures"], edges, fill=True, color=ONE)
    gate = report.scenario.recapture_below
    label = f"{report.scenario.name}: retake below {gate:g}"
    axes.axvline(gate, color="#000000", linestyle="--", linewidth=1, label=label)
    axes.set(xlabel="ood_score", ylabel="pictures", xlim=(0, 1))
    axes.set(title=f"Scores of {total:,} pictures, mean {report.scores.mean:.3f}")
    axes.legend()


def _similarities(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401
    edges = [*table["similarity_from"], table["similarity_to"][-1]]
    for kind, colour in (("one_person", ONE), ("two_people", TWO)):
        counts = table[f"pairs_of_{kind}"]
        total = max(1, sum(counts))
        label = f"{kind.replace('_', ' ')} ({sum(counts):,} pairs)"
        shares = [100 * count / total for count in counts]
        axes.stairs(shares, edges, color=colour, linewidth=1.8, label=label)
    low, high = report.scenario.different_below, report.scenario.same_above
    axes.axvspan(low, high, color="#dddddd", zorder=0, label=f"{report.scenario.name}: review")
    axes.set(xlabel="similarity (cosine)", ylabel="share of the pairs (%)")
    axes.set(title="Similarities, in steps of 0.02")
    axes.legend()


def _det(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401
    found = report.trade_off
    # zero cannot be drawn on a logarithmic axis
    points = [p for p in zip(table["fmr"], table["fnmr"], strict=True) if min(p) > 0]
    label = f"{found.mated_pairs:,} pairs of one person, {found.impostor_pairs:,} of two"
    axes.plot([p[0] for p in points], [p[1] for p in points], color=ONE, label=label)
    carried = f"smallest FMR that they carry: {found.smallest_fmr:.2g}"
    axes.axvline(found.smallest_fmr, color="#777777", linestyle="--", linewidth=1, label=carried)
    axes.set(xscale="log", yscale="log", title="Detection error trade-off")
    axes.set(xlabel="false match rate (FMR)", ylabel="false non-match rate (FNMR)")
    axes.legend(fontsize="small")


def _discard(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401
    found = report.discard
    share = [100 * rate for rate in table["discarded_share"]]
    for name, (words, colour, style, width) in DISCARD_LINES.items():
        label = f"{words}: mean to 20 % {found.lines[name].area.value:.4f}"
        misses = table[f"fnmr_{name}"]
        axes.plot(share, misses, style, color=colour, linewidth=width, label=label)
    axes.axvline(20, color="#cccccc", linewidth=1)
    axes.set(xlabel="pairs of one person discarded, worst picture first (%)")
    axes.set(ylabel=f"FNMR at FMR {found.fmr:g} (similarity above {found.threshold:.3f})")
    counts = f"{found.mated_pairs:,} pairs of one person, {found.impostor_pairs:,} of two"
    axes.set(title=f"Error versus discard, {counts}")
    axes.title.set_fontsize("medium")
    axes.legend(fontsize="small")


def _reliability(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401
    found = report.reliability
    for one, (stage, colour) in zip(axes, COLOURS.items(), strict=True):
        rows = [row for row, named in enumerate(table["calibration"]) if named == stage]
        bins = {
            "predicted": [table["predicted"][row] for row in rows],
            "observed": [table["observed"][row] for row in rows],
            "counts": [table["pairs"][row] for row in rows],
        }
        error = getattr(found, stage).figures["ece"].value
        title = f"{stage}: ECE {error:.4f}, {found.test_pairs:,} pairs"
        draw_diagram(one, title, bins, colour)


def _same(axes: Any, report: Any, table: Table) -> None:  # noqa: ANN401
    found = report.same
    error = found.judged.figures["ece"].value
    pairs = found.mated_pairs + found.impostor_pairs
    bins = {
        "predicted": table["predicted"],
        "observed": table["observed"],
        "counts": table["pairs"],
    }
    draw_diagram(axes, f"P(same) of the model: ECE {error:.4f}, {pairs:,} pairs", bins, ONE)


_DRAWN: dict[str, Callable[[Any, Any, Table], None]] = {
    "scores": _scores,
    "similarities": _similarities,
    "det": _det,
    "discard": _discard,
    "reliability": _reliability,
    "same": _same,
}
