"""What the card says of P(same)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card.text import command_line, joined, number, table
from ood_face.evaluation.card.text import words as named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["probability"]

_METHODS = {
    "similarity": "similarity alone",
    "with_scores": "similarity and both scores",
    "shipped": "the model's own P(same), as it is",
}
_FIGURES = ("brier", "ece", "nll")
_SETS = {"all": "all pairs as they are", "all_degraded": "**all degraded pairs**"}
_THIRDS = {
    "worst": "degraded, worse score in the lowest third",
    "middle": "in the middle third",
    "best": "in the highest third",
}


def probability(report: Mapping[str, Any], plots: Sequence[str]) -> str:  # noqa: ARG001 - as its neighbours
    """Return P(same) with the scores beside the similarity alone."""
    figures = report.get("same_probability")
    if figures is None:
        return ""
    title = "## P(same): the similarity alone, and with both scores"
    if "reason" in figures:
        return f"{title}\n\nNot measured: {figures['reason']}."
    rows = [
        row
        for group, names in ((figures["sets"], _SETS), (figures["thirds"], _THIRDS))
        for key, found in group.items()
        for row in _rows(names.get(key) or _set_name(key), found)
    ]
    header = ["pairs", "mated / impostor", "probability from", "Brier", "ECE"]
    header += ["negative log likelihood"]
    return joined(
        title,
        f"Held-out predictions of {figures['folds']}-fold cross-validation over "
        f"{figures['people']} people, none of whom fitted the weights that judge them; prior "
        f"{figures['prior']:g}, both kinds of pairs weigh the same. In a degraded pair each "
        "picture has one degradation of a random kind and severity. Intervals: 95 %, people "
        "drawn anew; the ECE of a resample is biased upwards, so its interval may lie "
        "above its value. " + command_line(report["command"]),
        table(header, rows),
        "How much larger, which is worse, each is without the scores:",
        table(
            ["pairs", "than with the scores", "Brier", "ECE", "negative log likelihood"],
            [
                [names.get(key) or _set_name(key), _METHODS[method], *_differences(by)]
                for group, names in ((figures["sets"], _SETS), (figures["thirds"], _THIRDS))
                for key, found in group.items()
                for method, by in found.get("larger_than_with_scores_by", {}).items()
            ],
        ),
        _own(figures.get("shipped")),
    ).rstrip("\n")


def _set_name(key: str) -> str:
    name, degraded = key.removesuffix("_degraded"), key.endswith("_degraded")
    return named(name) + (", degraded" if degraded else "")


def _rows(name: str, found: Mapping[str, Any]) -> list[list[str]]:
    counts = f"{found['mated_pairs']} / {found['impostor_pairs']}"
    if found["methods"] is None:
        return [[name, counts, found["reason"], "-", "-", "-"]]
    return [
        [name, counts, _METHODS[method]]
        + [number(by[key]["value"], by[key]["interval"], 4) for key in _FIGURES]
        for method, by in found["methods"].items()
    ]


def _differences(by: Mapping[str, Any]) -> list[str]:
    cells = []
    for key in _FIGURES:
        low, high = by[key]["interval"]
        cells.append(f"{by[key]['value']:+.4f} ({low:+.4f} to {high:+.4f})")
    return cells


def _own(shipped: Mapping[str, Any] | None) -> str:
    if shipped is None:
        return ""
    similarity, quality, product = shipped["weights"]
    low, high = shipped["limits"]
    pivot = shipped["pivot"]
    return (
        f"The model's own P(same): evidence {similarity:.3f} s {quality:+.3f} q {product:+.3f} q s "
        "with q = (score a x score b)^(1/3), never "
        f"below {low:.2f} or above {high:.2f}."
        + ("" if pivot is None else f" At a similarity of {pivot:.3f} the scores say nothing; ")
        + ("" if pivot is None else "above it better pictures make P(same) higher, below lower. ")
        + "Where its people are those of the table, its row is of people that fitted it."
    )
