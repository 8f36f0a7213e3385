"""What the card says of the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card.text import command_line, joined, number, percent, picture, table
from ood_face.evaluation.card.text import words as named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["calibration", "far", "severity", "uncertainty"]


def severity(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return the score under graded degradation."""
    figures = report["severity"]
    title = "## The score under degradation"
    if "reason" in figures:
        return f"{title}\n\nNot measured: {figures['reason']}."
    rows = [
        [
            kind.replace("_", " "),
            " ".join(f"{value:.2f}" for value in f["mean_score"]),
            " ".join(f"{value:.3f}" for value in f["auroc"]),
            "yes" if f["falls_at_every_step"] else "**no**",
            percent(f["share_falling_first_to_last"], f["share_interval"]),
            percent(f["share_falling_at_every_step"]),
        ]
        for kind, f in figures["kinds"].items()
    ]
    header = [
        "degradation",
        "mean score at severity 1..5",
        "AUROC of clean against it, 1..5",
        "mean falls at every step, from clean on",
        "faces that fall from 1 to 5",
        "faces that fall at each of these steps",
    ]
    return joined(
        title,
        f"{figures['faces']} clean faces of {figures['subjects']} people; their mean score is "
        f"{figures['clean_mean']:.3f}. " + command_line(report["command"]),
        table(header, rows),
        picture("severity.png", "Mean score against severity", plots),
        picture("scores.png", "Histograms of the score", plots),
    ).rstrip("\n")


def far(report: Mapping[str, Any], plots: Sequence[str]) -> str:  # noqa: ARG001 - as its neighbours
    """Return how the score refuses pictures that are no faces."""
    figures = report["ood"]
    title = "## Pictures that are no faces"
    if "reason" in figures:
        return f"{title}\n\nNot measured: {figures['reason']}."
    rows = [
        [
            named(name),
            number(f["auroc"], f["auroc_interval"], 4),
            percent(f["fpr_at_95_tpr"], f["fpr_interval"]),
            f"{f['mean_score']:.3f}",
            str(f["pictures"]),
        ]
        for name, f in figures.items()
    ]
    header = ["faces against", "AUROC", "accepted where 95 % of faces are", "mean score"]
    return joined(
        title,
        command_line(report["command"]),
        table([*header, "pictures"], rows),
    ).rstrip("\n")


def uncertainty(report: Mapping[str, Any]) -> str:
    """Return what each signal detects, and what it costs."""
    figures, costs = report["uncertainty"], report["cost"]
    sets = list(next(iter(figures.values())))
    milliseconds = costs["ms_per_face"]
    shared = {"feature_norm": "ood_score", "entropy": "mc_dropout_variance"}
    shared["one_minus_max_probability"] = "mc_dropout_variance"
    rows = []
    for signal, f in figures.items():
        cost = milliseconds.get(shared.get(signal, signal))
        found = [number(f[name]["auroc"], f[name]["auroc_interval"]) for name in sets]
        rows.append([named(signal), *found, "-" if cost is None else f"{cost:.1f}"])
    counts = ", ".join(f"{named(n)} {next(iter(figures.values()))[n]['pictures']}" for n in sets)
    left_out = (
        ""
        if "mc_dropout_variance" in figures
        else "The model ships no dropout, so neither Monte Carlo dropout nor class probabilities "
        "were measured. "
    )
    return joined(
        "## Uncertainty: what each signal detects, and what it costs",
        "AUROC of clean faces against degraded ones (the number is the severity) and against "
        f"pictures without a face. Pictures: {counts}. {left_out}The milliseconds are those of one "
        f"face at a time with {costs['threads']} threads, the network included: feature norm and "
        f"`ood_score` come out of one run; Monte Carlo dropout adds {costs['passes']} runs of the "
        "head, which give the class probabilities (entropy, 1 - max softmax) as well. "
        + command_line(report["command"]),
        table(["signal", *(named(name) for name in sets), "ms a face"], rows),
    ).rstrip("\n")


def calibration(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return how well the score keeps its word."""
    f = report["calibration"]
    title = "## Calibration of the score"
    if "reason" in f:
        return f"{title}\n\nNot measured: {f['reason']}."
    bins = f["reliability"]
    rows = [
        [f"{predicted:.2f}", f"{observed:.2f}", str(count)]
        for predicted, observed, count in zip(
            bins["predicted"], bins["observed"], bins["counts"], strict=True
        )
    ]
    error = number(f["expected_calibration_error"], f["expected_calibration_error_interval"], 4)
    return joined(
        title,
        f"{f['subjects']} subjects that fitted nothing, {f['probes']} probes, clean and degraded, "
        f"of which {percent(f['match_rate'])} match at similarity {f['threshold']:.3f} (FMR 1e-3 "
        f"over {f['impostor_pairs']:,} pairs). " + command_line(report["command"]),
        f"ECE {error}, MCE {f['maximum_calibration_error']:.4f}, Brier {f['brier']:.4f} (always "
        f"answering the base rate: {f['brier_of_the_base_rate']:.4f}), AUROC of matching against "
        f"non-matching probes {number(f['auroc_match_against_no_match'], f['auroc_interval'])}.",
        table(["score", "share that matched", "probes"], rows),
        picture("reliability.png", "Reliability of the score", plots),
    ).rstrip("\n")
