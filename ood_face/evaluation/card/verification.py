"""What the card says of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.card.text import command_line, joined, number, percent, picture, table
from ood_face.evaluation.card.text import words as named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["discard", "rates"]


def rates(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return accuracy, TAR at false match rates, and the rates at the policy's thresholds."""
    figures = report["verification"]
    stated = list(next(iter(figures.values()))["at_fmr"])
    rows = [
        [
            named(key),
            percent(f["accuracy"], f.get("accuracy_interval"), 2),
            *(
                percent(f["at_fmr"][fmr]["tar"], f["at_fmr"][fmr].get("tar_interval"))
                for fmr in stated
            ),
            f"{f['mated_pairs']} / {f['impostor_pairs']}",
            f"{f['subjects']}",
        ]
        for key, f in figures.items()
    ]
    header = ["set", "accuracy, cross-validated", *(f"TAR at FMR {fmr}" for fmr in stated)]
    header += ["mated / impostor pairs", "subjects"]
    at = [
        [
            named(key),
            threshold,
            percent(point["fmr"], point["fmr_interval"], 2),
            percent(point["fnmr"], point["fnmr_interval"]),
        ]
        for key, f in figures.items()
        for threshold, point in f["at_threshold"].items()
    ]
    return joined(
        "## Verification",
        f"Pairs: {report['data']['pairs']}. A missing picture resembles nothing (similarity 0). "
        + command_line(report["command"]),
        table(header, rows),
        "\n".join(_reasons(figures)),
        "At the default scenario's thresholds:",
        table(["set", "similarity above", "false match rate", "false non-match rate"], at),
        picture("det.png", "DET curves", plots),
    ).rstrip("\n")


def _reasons(figures: Mapping[str, Any]) -> Iterator[str]:
    for key, f in figures.items():
        if f["accuracy"] is None:
            yield f"- {named(key)}: no accuracy, {f['accuracy_reason']}."
        for point in f["at_fmr"].values():
            if point["tar"] is None:
                yield f"- {named(key)}: {point['reason']} (rule of 3)."


def discard(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return the table of error versus discard."""
    figures = report["discard"]
    title = "## Error versus discard"
    if figures["methods"] is None:
        return f"{title}\n\nNot stated: {figures['reason']} (rule of 3)."
    rate = np.array(figures["discard_rate"])
    at = [int(np.argmin(np.abs(rate - wanted))) for wanted in (0, 0.05, 0.1, 0.2)]
    rows = [
        [
            named(name),
            number(f["area_to_20_percent"], f["area_interval"], 4),
            _difference(f.get("larger_than_ood_score_by")),
            *(percent(f["fnmr"][i]) for i in at),
        ]
        for name, f in figures["methods"].items()
    ]
    header = ["quality", "mean FNMR to 20 % discard", "larger than by ood_score by"]
    header += ["FNMR at 0 %", "at 5 %", "at 10 %", "at 20 %"]
    return joined(
        title,
        f"FNMR at FMR {figures['fmr']:g} on {figures['mated_pairs']} mated and "
        f"{figures['impostor_pairs']} impostor pairs, the second picture degraded half the time; "
        "the pairs of worst quality are discarded first, a pair's quality being that of its worse "
        'picture (ISO/IEC 29794-1). Lower is better; "ideal" knows the answers. The detector '
        "probability is the MTCNN's on the crop with a grey margin, 0 where it finds no face; the "
        "MC-dropout variance is the spread of the feature. " + command_line(report["command"]),
        table(header, rows),
        picture("discard.png", "Error versus discard", plots),
    ).rstrip("\n")


def _difference(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}"
