"""What the card says of the model itself: its head, its conformance, its training, its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card.text import command_line, joined, percent, picture, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TERMS", "conformance", "data_head", "head", "training"]

SCORES = {
    "calibrated": """**Higher is better.** The score is the probability that this template matches
a good template of the same subject at a false match rate of 1e-3, given by the RTS variance
alone: no second signal goes into it.""",
    "uncalibrated": """**Higher is better**, but the score has no measured meaning: the model came
without calibration, and its score only orders faces.""",
    "none": "**The model gives no quality score.**",
}
INTERVALS = """In brackets: 95 % intervals, by 1000 resamples of whole subjects (seeded), and
Wilson's where a share of single pictures or pairs at a fixed threshold is stated."""


def head(report: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return the card's first paragraphs."""
    stages = ", then ".join(
        f"{stage['stage']} ({stage['images']:,} images)" for stage in record.get("stages", [])
    )
    facts = []
    if "parameters" in record:
        facts.append(f"{record['parameters'] / 1e6:.2f} M parameters")
    if "gmacs" in record:
        facts.append(f"{record['gmacs']:.2f} GMAC a face")
    facts.append(f"{report['model']['weights_bytes'] / 1e6:.1f} MB of weights")
    trained = f"Trained from random weights: {stages}." if stages else ""
    return joined(
        f"# {report['model_id']}",
        "Aligned 112x112 RGB in, a 512-d feature and an OOD quality score in 0..1 out (Random "
        "Temperature Scaling, arXiv 2212.01015)."
        if report["quality_score"] != "none"
        else "Aligned 112x112 RGB in, a 512-d feature out.",
        SCORES[report["quality_score"]],
        ", ".join(facts) + ". " + trained,
        f"Every figure below was measured by `{report['command']}` and stands in `report.json`. "
        + INTERVALS,
    ).rstrip("\n")


def data_head(report: Mapping[str, Any]) -> str:
    """Return the first paragraphs of an evaluation on somebody's own pictures."""
    data = report["data"]
    missing = data["pictures"] - data["faces"]
    return joined(
        f"# {report['model_id']} on own pictures",
        SCORES[report["quality_score"]],
        f"{data['pictures']} pictures, {data['subjects']} people; in {missing} pictures no face "
        f"was found ({percent(missing / data['pictures'])}). Pairs: {data['pairs']}.",
        f"Measured by `{report['command']}`. " + INTERVALS,
    ).rstrip("\n")


def conformance(report: Mapping[str, Any]) -> str:
    """Return the table of checks."""
    checks = report["conformance"]
    rows = [
        [
            check["says"],
            f"{check['value']:.4g}",
            f"{check['relation']} {check['limit']:.4g}",
            "yes" if check["passed"] else "**no**",
        ]
        for check in checks
    ]
    met = sum(check["passed"] for check in checks)
    return joined(
        "## Conformance",
        f"{met} of {len(checks)} checks met. The same checks, as far as a few free pictures can "
        "carry them, run with `make test`. " + command_line(report["command"]),
        table(["check", "measured", "limit", "met"], rows),
    ).rstrip("\n")


def training(record: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return how the model was trained, with the curve of accuracy against images seen."""
    if not record:
        return ""
    rows = [
        [
            stage["stage"],
            f"{point['images']:,}",
            f"{point['cosine_distance']:.3f}" if "cosine_distance" in point else "-",
            percent(point["cfp_ff"]),
            percent(point["cfp_fp"]),
        ]
        for stage in record.get("stages", [])
        for point in stage["curve"]
    ]
    header = ["stage", "images seen", "cosine distance to the teacher", "CFP-FF", "CFP-FP"]
    parts = [
        "## Training",
        "`make train` (resumable) reruns it. " + record.get("description", ""),
        "The curve, on a part of the CFP pairs; the distance is of the last batch (in the RTS "
        "stage of degraded pictures to the teacher's clean ones). `make train`:",
        table(header, rows),
        picture("training.png", "Accuracy against images seen", plots),
    ]
    speed = record.get("speed")
    if speed:
        columns = list(speed[0])
        cells = [[str(row[column]) for column in columns] for row in speed]
        parts += ["## Speed and size", table(columns, cells)]
    return joined(*parts).rstrip("\n")


TERMS = """## Terms and limits

- Training pictures: PINS, CelebA and a part of Glint360K, research data; validation: CFP. None
  of them is in this repository. Their owners' terms may restrict what a network trained on them
  is used for: read them before commercial use.
- The weights of the teachers that it was distilled from are not in this repository. These
  weights started from random numbers.
- Half of the CFP subjects fitted the score's curve; the other half tests it.
- No liveness detection: a photo of a face is a face. The score says how far a picture can be
  trusted for matching, not who is in it and not that a match is certain.
- Error rates differ between groups of people; they were not measured by group here."""
