"""The report on somebody's own pictures: what was measured, section by section."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from ood_face.calibration.own_report_tables import SECTIONS, plot_tables
from ood_face.errors import InputError
from ood_face.messages import error_sentence
from webui.markup import Html, tag
from webui.plots import Axis, lines, marked, steps
from webui.views.trust_figures import figure, spoken_rate
from webui.views.trust_operating import in_short, operating_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.calibration.own_report_tables import Table
    from ood_face.calibration.own_report_values import Judged, OwnReport
    from webui.catalogue import Texts
    from webui.trust_own_work import OwnResult

    Section = Callable[[OwnReport, Table, Texts], Html]

__all__ = ["report_view"]

_UNREADABLE_SHOWN = 50
# what most people come for
_FIRST = "operating_points"


def report_view(result: OwnResult, texts: Texts) -> Html:
    """Return everything that was measured, and why the rest was not."""
    report = result.report
    tables = plot_tables(report)
    parts = [
        _SECTIONS[name](report, tables[name], texts)
        if name in tables
        else _lacking(name, getattr(report, field), texts)
        for name, field in sorted(SECTIONS.items(), key=lambda pair: pair[0] != _FIRST)
    ]
    return tag(
        "section",
        _head(result, texts),
        tag("div", *parts, class_="report-sections"),
        class_="trust-list",
        aria_label=texts("report.title"),
    )


def _head(result: OwnResult, texts: Texts) -> Html:
    report = result.report
    counts = texts(
        "report.counts",
        pictures=f"{report.pictures:,}",
        faces=f"{report.faces:,}",
        people=f"{report.people:,}",
        mated=f"{report.mated_pairs:,}",
        impostor=f"{report.impostor_pairs:,}",
        model=report.model_id,
    )
    short = in_short(report, texts)
    parts = [tag("h3", texts("report.title")), tag("p", tag("strong", short)) if short else Html()]
    parts.append(tag("p", counts))
    without = report.pictures - report.faces - len(result.unreadable)
    if without:
        parts.append(tag("p", texts("report.no_face", count=without)))
    if result.unreadable:
        names = [tag("li", name) for name in result.unreadable[:_UNREADABLE_SHOWN]]
        title = texts("report.unreadable", count=len(result.unreadable))
        parts.append(tag("details", tag("summary", title), tag("ul", *names)))
    parts.append(tag("p", tag("small", texts("report.intervals"))))
    parts.append(tag("div", _whole(report, texts), class_="plot-files"))
    return tag("div", *parts, class_="report-head")


def _whole(report: OwnReport, texts: Texts) -> Html:
    # the same file as the command's
    from ood_face.calibration.own_report_files import report_document  # noqa: PLC0415

    document = json.dumps(report_document(report), ensure_ascii=False)
    encoded = base64.b64encode(document.encode()).decode("ascii")
    return tag(
        "a",
        texts("report.json"),
        href=f"data:application/json;base64,{encoded}",
        download="report.json",
        class_="trust-button",
    )


def _lacking(name: str, error: InputError, texts: Texts) -> Html:
    return tag(
        "section",
        tag("h4", texts(f"report.title_{name}")),
        tag(
            "p", tag("strong", texts("report.lacking")), " ", error_sentence(error, texts.language)
        ),
        class_="report-section report-lacking",
    )


def _section(*parts: Html, wide: bool = False) -> Html:
    return tag("section", *parts, class_=f"report-section{' report-wide' if wide else ''}")


def _scores(report: OwnReport, table: Table, texts: Texts) -> Html:
    found: Any = report.scores
    edges = [*table["score_from"], table["score_to"][-1]]
    plot = steps(
        "scores",
        edges,
        {texts("report.pictures"): table["pictures"]},
        (Axis(texts("report.score"), 0, 1), Axis(texts("report.pictures"))),
        table,
    )
    gate = report.scenario.recapture_below
    plot = marked(plot, gate, texts("report.gate"), "left")
    numbers = texts(
        "report.numbers_scores",
        mean=f"{found.mean:.2f}",
        refused=f"{found.refused:,}",
        share=f"{100 * found.refused / max(1, report.faces):.1f}",
        gate=f"{gate:g}",
    )
    return _section(_figure(plot, "scores", numbers, texts))


def _similarities(report: OwnReport, table: Table, texts: Texts) -> Html:
    edges = [*table["similarity_from"], table["similarity_to"][-1]]
    shares = {
        texts("report.mated", count=f"{sum(table['pairs_of_one_person']):,}"): _shares(
            table["pairs_of_one_person"]
        ),
        texts("report.impostor", count=f"{sum(table['pairs_of_two_people']):,}"): _shares(
            table["pairs_of_two_people"]
        ),
    }
    axes = (Axis(texts("report.similarity")), Axis(texts("report.pairs_share"), percent=True))
    plot = steps("similarities", edges, shares, axes, table)
    plot = marked(plot, report.scenario.same_above, texts("report.same_above"), "right")
    numbers = texts(
        "report.numbers_similarities",
        mated=f"{_middle(table, 'pairs_of_one_person'):.2f}",
        impostor=f"{_middle(table, 'pairs_of_two_people'):.2f}",
    )
    return _section(_figure(plot, "similarities", numbers, texts))


def _det(report: OwnReport, table: Table, texts: Texts) -> Html:
    found: Any = report.trade_off
    # zero cannot be drawn on a logarithmic axis
    points = [pair for pair in zip(table["fmr"], table["fnmr"], strict=True) if min(pair) > 0]
    line = ([x for x, _ in points], [y for _, y in points], "solid")
    axes = (Axis(texts("report.fmr"), logarithmic=True, percent=True),
            Axis(texts("report.fnmr"), logarithmic=True, percent=True))  # fmt: skip
    plot = lines("det", {texts("report.this_model"): line}, axes, table)
    numbers = texts(
        "report.numbers_det",
        mated=f"{found.mated_pairs:,}",
        impostor=f"{found.impostor_pairs:,}",
        one_in=f"{round(1 / found.smallest_fmr):,}",
    )
    return _section(_figure(plot, "det", numbers, texts))


def _discard(report: OwnReport, table: Table, texts: Texts) -> Html:
    found: Any = report.discard
    share = table["discarded_share"]
    drawn = {
        texts("report.by_score"): (share, table["fnmr_ood_score"], "solid"),
        texts("report.by_chance"): (share, table["fnmr_random"], "dotted"),
        texts("report.ideal"): (share, table["fnmr_ideal"], "dashed"),
    }
    axes = (Axis(texts("report.discarded"), percent=True), Axis(texts("report.fnmr"), percent=True))
    plot = lines("discard", drawn, axes, table)
    numbers = texts(
        "report.numbers_discard",
        fmr=f"{100 * found.fmr:g}",
        first=f"{100 * table['fnmr_ood_score'][0]:.1f}",
        fifth=f"{100 * _at(table, 0.2):.1f}",
        mated=f"{found.mated_pairs:,}",
    )
    return _section(_figure(plot, "discard", numbers, texts))


def _reliability(report: OwnReport, table: Table, texts: Texts) -> Html:
    found: Any = report.reliability
    drawn: dict[str, Any] = {}
    for stage in ("before", "after"):
        rows = [row for row, named in enumerate(table["calibration"]) if named == stage]
        kept = [row for row in rows if table["pairs"][row]]
        drawn[texts(f"report.{stage}")] = (
            [table["predicted"][row] for row in kept],
            [table["observed"][row] for row in kept],
            "points",
        )
    plot = _reliability_plot("reliability", drawn, table, texts)
    numbers = texts(
        "report.numbers_reliability",
        before=spoken_rate(found.before.figures["ece"], texts),
        after=spoken_rate(found.after.figures["ece"], texts),
        fit=f"{found.fit_people:,}",
        test=f"{found.test_people:,}",
        pairs=f"{found.test_pairs:,}",
    )
    return _section(_figure(plot, "reliability", numbers, texts), _quality(found.after, texts))


def _same(report: OwnReport, table: Table, texts: Texts) -> Html:
    found: Any = report.same
    kept = [row for row, count in enumerate(table["pairs"]) if count]
    line = ([table["predicted"][row] for row in kept], [table["observed"][row] for row in kept])
    drawn = {texts("report.this_model"): (*line, "points")}
    plot = _reliability_plot("same", drawn, table, texts)
    numbers = texts(
        "report.numbers_same",
        ece=spoken_rate(found.judged.figures["ece"], texts),
        brier=spoken_rate(found.judged.figures["brier"], texts),
        people=f"{found.people:,}",
        pairs=f"{found.mated_pairs + found.impostor_pairs:,}",
    )
    return _section(_figure(plot, "same", numbers, texts))


def _operating(report: OwnReport, table: Table, texts: Texts) -> Html:
    return _section(operating_view(report, table, texts), wide=True)


def _reliability_plot(name: str, drawn: dict[str, Any], table: Table, texts: Texts) -> Any:  # noqa: ANN401 - a Plot
    ideal = {texts("report.true"): ([0, 1], [0, 1], "dotted")}
    axes = (Axis(texts("report.predicted"), -0.02, 1.03, percent=True),
            Axis(texts("report.observed"), -0.02, 1.03, percent=True))  # fmt: skip
    return lines(name, drawn | ideal, axes, table)


def _quality(found: Judged, texts: Texts) -> Html:
    brier = spoken_rate(found.figures["brier"], texts)
    accuracy = spoken_rate(found.figures["accuracy"], texts)
    return tag("p", tag("small", texts("report.more", brier=brier, accuracy=accuracy)))


def _figure(plot: Any, name: str, numbers: str, texts: Texts) -> Html:  # noqa: ANN401 - a Plot
    return figure(plot, texts(f"report.title_{name}"), texts(f"report.help_{name}"), numbers, texts)


def _shares(counts: list[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]


def _middle(table: Table, name: str) -> float:
    # the bin in which half of the pairs are reached
    counts, left = table[name], sum(table[name]) / 2
    for row, count in enumerate(counts):
        left -= count
        if left <= 0:
            return float(table["similarity_from"][row] + table["similarity_to"][row]) / 2
    return float("nan")


def _at(table: Table, share: float) -> float:
    row = min(
        range(len(table["discarded_share"])),
        key=lambda one: abs(table["discarded_share"][one] - share),
    )
    return float(table["fnmr_ood_score"][row])


_SECTIONS: dict[str, Section] = {
    "scores": _scores,
    "similarities": _similarities,
    "det": _det,
    "discard": _discard,
    "reliability": _reliability,
    "operating_points": _operating,
    "same": _same,
}
