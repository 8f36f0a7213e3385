"""Plots as plain data for Plotly, which draws them in the browser.

Gradio brings Plotly's script with it; the Python package is not needed. A colour is the name of
one of the page's own behind an ``@``, so that a plot follows light and dark.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Axis", "Plot", "bars", "csv_text", "library_address", "lines", "marked", "steps"]

ONE, TWO, THIRD = "@plot-one", "@plot-two", "@ink-soft"
_DASHES = {"solid": "solid", "dashed": "dash", "dotted": "dot"}
_BESIDE: dict[str, dict[str, Any]] = {
    "left": {"xanchor": "right", "xshift": -5},
    "right": {"xanchor": "left", "xshift": 5},
}
_SCRIPTS = ("templates", "frontend", "assets")


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows.

    Attributes
    ----------
    title : with the unit
    low, high : its ends; None: as far as the data go
    logarithmic : steps are powers of ten
    percent : its numbers are shares, 0..1, and are shown as percentages
    """

    title: str
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False
    percent: bool = False

    def layout(self) -> dict[str, Any]:
        """Return Plotly's settings of this axis."""
        title = {"text": self.title, "font": {"size": 13}}
        made: dict[str, Any] = {"title": title, "zeroline": False}
        if self.logarithmic:
            made |= {"type": "log", "dtick": 1}
        if self.percent:
            made["tickformat"] = ".3~%"
        if self.low is not None and self.high is not None:
            made["range"] = [self.low, self.high]
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """One plot.

    Attributes
    ----------
    name : of its files
    figure : Plotly's ``data`` and ``layout``
    table : the numbers, by column; columns are of one length
    """

    name: str
    figure: dict[str, Any]
    table: Mapping[str, Sequence[object]]


def bars(
    name: str,
    labels: Sequence[str],
    groups: Mapping[str, Sequence[float]],
    axes: tuple[Axis, Axis],
    table: Mapping[str, Sequence[object]],
) -> Plot:
    """Return bars side by side, one of each group at each label.

    Parameters
    ----------
    labels : (B,) below the bars
    groups : heights (B,) by the group's title
    axes : below and beside
    """
    data = [
        {"type": "bar", "name": title, "x": list(labels), "y": list(heights)}
        | {"marker": {"color": colour}}
        for (title, heights), colour in zip(groups.items(), (ONE, TWO), strict=False)
    ]
    layout = _layout(axes) | {"bargap": 0.25, "bargroupgap": 0.06}
    layout["xaxis"]["type"] = "category"
    return Plot(name, {"data": data, "layout": layout}, table)


def steps(
    name: str,
    edges: Sequence[float],
    groups: Mapping[str, Sequence[float]],
    axes: tuple[Axis, Axis],
    table: Mapping[str, Sequence[object]],
) -> Plot:
    """Return histograms over the same edges, drawn one over the other.

    Parameters
    ----------
    edges : (B + 1,), rising
    groups : heights (B,) by the group's title
    axes : below and beside
    """
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    data = [
        {"type": "bar", "name": title, "x": middles, "y": list(heights), "width": widths}
        | {"marker": {"color": colour}, "opacity": 0.62 if len(groups) > 1 else 0.9}
        for (title, heights), colour in zip(groups.items(), (ONE, TWO), strict=False)
    ]
    layout = _layout(axes) | {"barmode": "overlay", "bargap": 0}
    return Plot(name, {"data": data, "layout": layout}, table)


def lines(
    name: str,
    groups: Mapping[str, tuple[Sequence[float], Sequence[float], str]],
    axes: tuple[Axis, Axis],
    table: Mapping[str, Sequence[object]],
) -> Plot:
    """Return lines through points.

    Parameters
    ----------
    groups : (N,) places, (N,) heights and ``solid``, ``dashed``, ``dotted`` or ``points`` by the
        line's title
    axes : below and beside
    """
    data = []
    for (title, (places, heights, style)), colour in zip(
        groups.items(), (ONE, TWO, THIRD), strict=False
    ):
        drawn: dict[str, Any] = {"type": "scatter", "name": title, "x": list(places)}
        drawn |= {"y": list(heights), "line": {"color": colour, "width": 2.5}}
        if style == "points":
            drawn |= {"mode": "lines+markers", "marker": {"color": colour, "size": 8}}
        else:
            drawn["mode"] = "lines"
            drawn["line"]["dash"] = _DASHES[style]
        data.append(drawn)
    return Plot(name, {"data": data, "layout": _layout(axes)}, table)


def marked(plot: Plot, place: float, label: str, side: Literal["left", "right"]) -> Plot:
    """Return a plot with an upright line at a place of its lower axis, and what lies beside it.

    Parameters
    ----------
    place : on the lower axis
    label : what the side of the line stands for
    side : of the line on which the label stands
    """
    layout = plot.figure["layout"]
    ruler = {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper"}
    ruler["line"] = {"color": "@ink", "width": 1.5, "dash": "dash"}
    said = {"x": place, "y": 1, "yref": "paper", "yanchor": "top"}
    said |= _BESIDE[side]
    said |= {"text": label, "showarrow": False, "font": {"size": 12}, "bgcolor": "@surface"}
    changed = layout | {
        "shapes": [*layout.get("shapes", []), ruler],
        "annotations": [*layout.get("annotations", []), said],
    }
    return Plot(plot.name, plot.figure | {"layout": changed}, plot.table)


def csv_text(table: Mapping[str, Sequence[object]]) -> str:
    """Return columns of one length as CSV with a header, lines ended as RFC 4180 has it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return stream.getvalue()


@cache
def library_address() -> str:
    """Return where the page finds Gradio's Plotly, relative to it; empty: Gradio brings none."""
    scripts = resources.files("gradio").joinpath(*_SCRIPTS)
    names = [one.name for one in scripts.iterdir()]
    found = [name for name in names if name.startswith("PlotlyPlot-") and name.endswith(".js")]
    return f"assets/{found[0]}" if found else ""


def _layout(axes: tuple[Axis, Axis]) -> dict[str, Any]:
    return {
        "xaxis": axes[0].layout(),
        "yaxis": axes[1].layout() | {"rangemode": "tozero"},
        "margin": {"l": 56, "r": 14, "t": 34, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1.03, "yanchor": "bottom"},
        "hovermode": "closest",
    }
