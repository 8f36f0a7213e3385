"""What the card says of the probabilities of searches."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card.text import command_line, joined, number, percent, table
from ood_face.evaluation.card.text import words as named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["search_probability"]

TITLE = "## P(the first candidate is the person), in a gallery"
_METHODS = {
    "similarity": "similarity alone",
    "with_scores": "similarity and both scores",
    "fitted_alike": "the same, fitted to such pairs alone",
}
_FIGURES = ("brier", "ece", "nll")


def search_probability(report: Mapping[str, Any]) -> str:
    """Return how well the probability of the first candidate keeps its word."""
    figures = report.get("search_probability")
    if figures is None:
        return ""
    if "reason" in figures:
        return f"{TITLE}\n\nNot measured: {figures['reason']}."
    header = ["people enrolled", "probes", "searches by enrolled / strangers"]
    header += ["first candidate is the person", "probability from", "it says on average"]
    header += ["Brier", "ECE", "negative log likelihood"]
    edges = pairwise((0, *figures["bands"], 1))
    bands = ["people enrolled", "probes", *(f"{low:g}-{high:g}" for low, high in edges)]
    return joined(
        TITLE,
        f"Galleries drawn at random, one picture of each person, as many strangers; prior "
        f"{figures['prior']:g}: searches by enrolled people and by strangers weigh the same. The "
        f"first {figures['candidates']} candidates share the probability, as in the service; that "
        "of the first is judged, by weights that were fitted without the person searched for. "
        "All: the kinds of probes above it weigh the same. Intervals: 95 %, people drawn anew. "
        + command_line(report["command"]),
        table(header, _rows(figures)),
        "How often the first candidate is the person, where the probability (from the similarity "
        "and both scores) lies in a band; in brackets what it says on average there:",
        table(bands, _bands(figures)),
        _limits(figures),
    ).rstrip("\n")


def _sets(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for size, gallery in figures["galleries"].items():
        for kind, found in gallery["sets"].items():
            yield size, "**all**" if kind == "all" else named(kind), found


def _rows(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for size, kind, found in _sets(figures):
        for method, by in found["methods"].items():
            yield [
                size,
                kind,
                f"{found['mated_searches']} / {found['stranger_searches']}",
                percent(found["right"]),
                _METHODS[method],
                percent(by["mean"]),
                *(number(by[key]["value"], by[key]["interval"], 4) for key in _FIGURES),
            ]


def _bands(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for size, kind, found in _sets(figures):
        bands = found["methods"]["with_scores"]["bands"]
        yield [
            size,
            kind,
            *(f"{number(one['observed'])} ({number(one['predicted'])})" for one in bands),
        ]


def _limits(figures: Mapping[str, Any]) -> str:
    highest = ", ".join(
        f"{gallery['highest']:.4f} of {size}" for size, gallery in figures["galleries"].items()
    )
    return (
        "No probability goes beyond what the pairs that were fitted to can show, which the people "
        f"enrolled share: {highest} at most."
    )
