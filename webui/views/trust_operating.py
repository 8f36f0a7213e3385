"""Operating points in words: which threshold lets in how many strangers and misses how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ood_face.errors import InputError
from ood_face.messages import error_sentence
from webui.markup import Html, join, tag
from webui.plots import csv_text
from webui.views.trust_figures import spoken_rate

if TYPE_CHECKING:
    from ood_face.calibration.operating_points import OperatingPoint
    from ood_face.calibration.own_report_tables import Table
    from ood_face.calibration.own_report_values import OperatingRow, OwnReport
    from webui.catalogue import Texts

__all__ = ["in_short", "one_in", "operating_view", "recommended", "usable_rates"]

_COLUMNS = ("strangers", "gate", "threshold", "missed", "pairs")


def operating_view(report: OwnReport, table: Table, texts: Texts) -> Html:
    """Return the table, what the gate asks of people, and the numbers as a file."""
    found: Any = report.operating
    title = texts("report.title_operating_points")
    head = [tag("th", texts(f"operating.{name}"), scope="col") for name in _COLUMNS]
    body = [line for row in found.rows for line in _lines(row, texts)]
    grid = tag(
        "table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="faces operating"
    )
    parts = [
        tag("h4", title),
        tag("p", texts("report.help_operating_points")),
        tag("div", grid, class_="scroll", tabindex=0, role="region", aria_label=title),
    ]
    if found.retake is not None:
        share = spoken_rate(found.retake, texts, percent=True)
        never = f"{100 * found.never:.1f}"
        parts.append(
            tag("p", texts("operating.retake", share=share, people=found.people, never=never))
        )
    file = tag(
        "a",
        texts("plot.csv"),
        href="data:text/csv;charset=utf-8," + quote("\ufeff" + csv_text(table)),
        download="operating-points.csv",
        class_="trust-button",
    )
    return tag("div", *parts, tag("div", file, class_="plot-files"), class_="plot-figure")


def in_short(report: OwnReport, texts: Texts) -> str:
    """Return the recommended operating point in one sentence; empty: there is none."""
    found = recommended(report)
    if found is None:
        return ""
    key, fmr, point = found
    return texts(
        f"report.{key}",
        threshold=f"{point.threshold.value:.2f}",
        count=f"{round(1 / fmr):,}",
        missed=f"{100 * point.fnmr.value:.1f} %",
    )


def recommended(report: OwnReport) -> tuple[str, float, OperatingPoint] | None:
    """Return the strictest point that was found, with the quality limit before those without.

    Returns
    -------
    ``short_gate`` or ``short``, the false match rate, and the point; None: there is none
    """
    if isinstance(report.operating, InputError):
        return None
    rows = list(reversed(report.operating.rows))
    for row in rows:
        if not isinstance(row.with_gate, InputError):
            return "short_gate", row.fmr, row.with_gate
    for row in rows:
        if not isinstance(row.without_gate, InputError):
            return "short", row.fmr, row.without_gate
    return None


def one_in(fmr: float, texts: Texts) -> str:
    """Return a rate as people say it."""
    return texts("operating.one_in", count=f"{round(1 / fmr):,}")


def usable_rates(report: OwnReport) -> list[float]:
    """Return the false match rates for which a threshold was found."""
    if isinstance(report.operating, InputError):
        return []
    return [
        row.fmr for row in report.operating.rows if not (isinstance(row.without_gate, InputError))
    ]


def _lines(row: OperatingRow, texts: Texts) -> list[Html]:
    strangers = one_in(row.fmr, texts)
    kinds = (("without", row.without_gate), ("with", row.with_gate))
    if all(isinstance(point, InputError) for _, point in kinds):
        return [_refused(strangers, "", kinds[0][1], texts)]
    return [_line(strangers, texts(f"operating.gate_{name}"), point, texts)
            for name, point in kinds]  # fmt: skip


def _line(strangers: str, gate: str, point: OperatingPoint | InputError, texts: Texts) -> Html:
    if isinstance(point, InputError):
        return _refused(strangers, gate, point, texts)
    pairs = texts(
        "operating.pair_counts",
        mated=f"{point.mated_pairs:,}",
        impostor=f"{point.impostor_pairs:,}",
    )
    return tag(
        "tr",
        tag("th", strangers, scope="row"),
        tag("td", gate),
        tag("td", spoken_rate(point.threshold, texts)),
        tag("td", spoken_rate(point.fnmr, texts, percent=True)),
        tag("td", pairs),
    )


def _refused(strangers: str, gate: str, error: Any, texts: Texts) -> Html:  # noqa: ANN401 - the caller knows
    words = join(texts("report.lacking"), " ", error_sentence(error, texts.language))
    return tag(
        "tr",
        tag("th", strangers, scope="row"),
        tag("td", gate),
        tag("td", words, colspan=3, class_="operating-lacking"),
    )
