"""A plot on the page: what it shows, how to read it, its key numbers in words, its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from webui.markup import Html, tag
from webui.plots import csv_text, library_address

if TYPE_CHECKING:
    from ood_face.calibration.operating_points import Rate
    from webui.catalogue import Texts
    from webui.plots import Plot

__all__ = ["figure", "spoken_rate"]


def figure(plot: Plot, title: str, help_: str, numbers: str, texts: Texts) -> Html:
    """Return a plot with everything around it.

    Parameters
    ----------
    title : what it shows
    help_ : how to read it
    numbers : what it says, in words, for whoever does not see it as well
    """
    stage = tag(
        "div",
        class_="plot",
        role="img",
        aria_label=f"{title} {numbers}",
        data_figure=json.dumps(plot.figure),
        data_library=library_address(),
        data_missing=texts("plot.missing"),
    )
    png = tag("button", texts("plot.png"), type="button", class_="trust-button", data_png=plot.name)
    table = tag(
        "a",
        texts("plot.csv"),
        # the mark by which spreadsheets know UTF-8
        href="data:text/csv;charset=utf-8," + quote("\ufeff" + csv_text(plot.table)),
        download=f"{plot.name}.csv",
        class_="trust-button",
    )
    return tag(
        "figure",
        tag("figcaption", tag("h4", title), tag("p", help_)),
        stage,
        tag("p", numbers, class_="plot-numbers"),
        tag("div", png, table, class_="plot-files"),
        class_="plot-figure",
    )


def spoken_rate(rate: Rate, texts: Texts, *, percent: bool = False) -> str:
    """Return a number with its 95 % interval, where it has one."""
    shape, factor = ("{:.1f} %", 100) if percent else ("{:.3f}", 1)
    value = shape.format(factor * rate.value)
    if rate.interval is None:
        return value
    low, high = (shape.format(factor * end) for end in rate.interval)
    return texts("plot.interval", value=value, low=low, high=high)
