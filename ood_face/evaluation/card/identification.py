"""What the card says of searches in a gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card.text import command_line, joined, percent, picture, table
from ood_face.evaluation.card.text import words as named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["searches"]

TITLE = "## Identification in a gallery (open set)"


def searches(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return the error rates of searches, with and without the quality gate and the margin."""
    figures = report["identification"]
    if "reason" in figures:
        return f"{TITLE}\n\nNot measured: {figures['reason']}."
    rows = list(_rows(figures))
    measured = [(start, f) for start, f in rows if "reason" not in f]
    return joined(
        TITLE,
        _how(figures) + " " + command_line(report["command"]),
        _trade_off(measured),
        "\n".join(dict.fromkeys(_reasons(rows))),
        picture("identification.png", _caption(figures), plots),
        f"At the default scenario's similarity of {figures['similarity']:g}, and where the first "
        f"candidate must also lead the second by more than {figures['margin']:g} "
        "(`identify_needs_margin_above`; what it holds back goes to review and counts as missed):",
        _at_similarity(measured),
        f"What the margin is for: how often the first candidate is the wrong one, among searches "
        f"by enrolled people whose first two candidates are {figures['margin']:g} or less apart, "
        "and among the others, at any similarity:",
        _margins(measured),
    ).rstrip("\n")


def _how(figures: Mapping[str, Any]) -> str:
    galleries = figures["galleries"]
    enrolled = " or ".join(
        f"{g['enrolled']} with {count} picture{'s' if count != '1' else ''} each"
        for count, g in galleries.items()
    )
    gate = ""
    first = next(iter(galleries.values()))
    if "retake_enrolment" in first:
        refused = max(g["never_enrolled"] for g in galleries.values())
        gate = (
            f" The quality gate enrols a picture only if it scores above "
            f"{figures['enroll_needs_score_above']:g} ({percent(first['retake_enrolment'])} of "
            f"those enrolled without it do not; {percent(refused)} of the people have no such "
            f"picture) and asks for another picture where a probe scores below "
            f"{figures['recapture_below']:g}; the rates behind it are of the searches it lets "
            "through."
        )
    return (
        f"{figures['subjects']} people. In each of {figures['splits']} random splits, half of "
        f"those with enough pictures are enrolled ({enrolled}) and everybody else is a stranger, "
        "so that people serve as both. FPIR: the share of searches by strangers that find a "
        "candidate above the similarity; it grows with the gallery. FNIR: the share of searches by "
        "enrolled people whose own name is not the first candidate above it. Rank 1: their own "
        "name comes first, at whatever similarity. Degraded probes carry one degradation of a "
        f"random kind and severity.{gate} Intervals: over the people searched for, the galleries "
        "staying as drawn."
    )


def _rows(figures: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    for templates, gallery in figures["galleries"].items():
        for name, gates in gallery["probes"].items():
            for gate, f in gates.items():
                yield [named(name), templates, "yes" if gate == "with_gate" else "no"], f


def _trade_off(rows: Sequence[tuple[list[str], Mapping[str, Any]]]) -> str:
    if not rows:
        return ""
    stated = list(rows[0][1]["at_fpir"])
    header = ["probes", "pictures enrolled", "gate", "asked to retake (enrolled / strangers)"]
    header += ["rank 1", *(f"FNIR at FPIR {fpir}" for fpir in stated)]
    header += ["searches by enrolled / strangers", "pictures of strangers"]
    cells = [
        [
            *start,
            f"{percent(f['retake_mated'])} / {percent(f['retake_strangers'])}"
            if "retake_mated" in f
            else "-",
            percent(f["rank1"], f["rank1_interval"]),
            *(percent(at["fnir"], at.get("fnir_interval")) for at in f["at_fpir"].values()),
            f"{f['mated_searches']} / {f['stranger_searches']}",
            f"{f['stranger_pictures']}",
        ]
        for start, f in rows
    ]
    return table(header, cells)


def _reasons(rows: Sequence[tuple[list[str], Mapping[str, Any]]]) -> Iterator[str]:
    for (probes, templates, gate), f in rows:
        if "reason" in f:
            where = f"{probes}, {templates} enrolled, gate: {gate}"
            yield f"- {where}: not measured, {f['reason']}."
            continue
        # the table's last column says which rows are meant
        for at in f["at_fpir"].values():
            if at["fnir"] is None:
                yield f"- {at['reason']} (rule of 3)."


def _at_similarity(rows: Sequence[tuple[list[str], Mapping[str, Any]]]) -> str:
    rates = ("fpir", "fnir", "wrong_person")
    header = ["probes", "pictures enrolled", "gate", "FPIR", "FNIR", "enrolled taken for another"]
    header += [f"{name}, with the margin" for name in ("FPIR", "FNIR", "taken for another")]
    cells = [
        [
            *start,
            *(
                percent(f["at_similarity"][r], f["at_similarity"][f"{r}_interval"], 2)
                for r in rates
            ),
            *(percent(f["with_margin"][r], digits=2) for r in rates),
        ]
        for start, f in rows
    ]
    return table(header, cells)


def _margins(rows: Sequence[tuple[list[str], Mapping[str, Any]]]) -> str:
    header = ["probes", "pictures enrolled", "gate", "searches with two that close"]
    header += ["wrong among them", "wrong among the others"]
    keys = ("too_close", "wrong_where_too_close", "wrong_where_clear")
    cells = [
        [*start, *(percent(f["margin"][key], f["margin"][f"{key}_interval"]) for key in keys)]
        for start, f in rows
    ]
    return table(header, cells)


def _caption(figures: Mapping[str, Any]) -> str:
    gallery = next(iter(figures["galleries"].values()))
    counts = "; ".join(
        f"{named(name)}{' behind the gate' if gate == 'with_gate' else ''} "
        f"{f['mated_searches']} by enrolled people, {f['stranger_searches']} by strangers"
        for name, gates in gallery["probes"].items()
        for gate, f in gates.items()
        if "reason" not in f
    )
    return f"FNIR over FPIR, {gallery['enrolled']} people enrolled; searches: {counts}"
