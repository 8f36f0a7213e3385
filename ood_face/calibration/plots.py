"""The reliability diagram of a calibration, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.plots import new_figure, write_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["COLOURS", "draw_diagram", "draw_reliability"]

SIZE_IN = (9.0, 4.6)
COLOURS = {"before": "#D55E00", "after": "#0072B2"}  # from Okabe and Ito's palette


def draw_reliability(report: Mapping[str, Any], path: Path) -> None:
    """Draw the reliability diagrams of the test half beside each other.

    Parameters
    ----------
    report : with the tables ``before`` and ``after`` of a calibration
    path : the PNG file, replaced in one step

    Raises
    ------
    InputError
        The file can't be written.
    """
    figure = new_figure(SIZE_IN)
    for axes, (key, colour) in zip(figure.subplots(1, 2), COLOURS.items(), strict=True):
        figures = report[key]
        title = f"{key}: ECE {figures['ece']:.4f}, log loss {figures['nll']:.4f}"
        draw_diagram(axes, title, figures["reliability"], colour)
    write_figure(figure, path)


def draw_diagram(axes: Any, title: str, bins: Mapping[str, Any], colour: str) -> None:  # noqa: ANN401
    """Draw one reliability diagram.

    Parameters
    ----------
    axes : matplotlib's
    bins : ``predicted``, ``observed`` and ``counts`` of each bin
    """
    largest = max(bins["counts"])
    sizes = [20 + 180 * count / largest for count in bins["counts"]]
    axes.plot([0, 1], [0, 1], "--", color="#777777", label="perfect")
    axes.plot(bins["predicted"], bins["observed"], color=colour, linewidth=1)
    axes.scatter(
        bins["predicted"],
        bins["observed"],
        sizes,
        color=colour,
        label="bins (area: how many)",
        clip_on=False,
    )
    axes.set(title=title, xlim=(0, 1), ylim=(0, 1))
    axes.set(xlabel="predicted probability", ylabel="observed share")
    axes.grid(alpha=0.3)
    axes.legend()
