"""What the command prints: sentences for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ood_face.cli.exits import printable
from ood_face.cli.render_explanations import explanation_json, explanation_lines, reasons_json
from ood_face.messages import (
    error_sentence,
    level_name,
    quality_score_note,
    reason_sentence,
    verdict_name,
)
from ood_face.types import QualityLevel, QualityScore, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ood_face.cli.extracting import FileFaces
    from ood_face.messages import Language
    from ood_face.types import Comparison, FaceTemplate, Scenario
    from ood_face.uncertainty import Uncertainty

__all__ = [
    "STYLE_OF_VERDICT",
    "comparison_json",
    "face_json",
    "file_json",
    "print_comparison",
    "print_faces",
    "print_json",
    "print_scenarios",
    "print_table",
    "score_cells",
    "stdout_console",
]

_BAR_CELLS = 20
_STYLE_OF_LEVEL = {
    QualityLevel.EXCELLENT: "green",
    QualityLevel.GOOD: "green",
    QualityLevel.FAIR: "yellow",
    QualityLevel.POOR: "red",
}
STYLE_OF_VERDICT = {
    Verdict.SAME: "bold green",
    Verdict.REVIEW: "bold yellow",
    Verdict.DIFFERENT: "bold red",
    Verdict.RECAPTURE: "bold yellow",
}
_LABELS: dict[Language, dict[str, str]] = {
    "en": {
        "similarity": "similarity",
        "probability": "P(same person) {value:.5f}{interval}, prior {prior:g}, by {calibration}",
        "interval": " ({low:.5f}-{high:.5f})",
        "faces": "faces",
        "face": "face",
        "no_face": "no face",
        "uncertainty": "uncertainty of face {number}: ",
        "score_passes": "score {mean:.3f} ± {spread:.3f} over {passes} passes",
        "feature_spread": "feature spread",
        "rts_variance": "RTS variance",
        "entropy": "entropy",
        "doubt": "1 - max probability",
        "comma": ", ",
    },
    "zh": {
        "similarity": "相似度",
        "probability": "同一人的概率 {value:.5f}{interval}，先验 {prior:g}，标定 {calibration}",
        "interval": "（{low:.5f}-{high:.5f}）",
        "faces": "张人脸",
        "face": "张人脸",
        "no_face": "没有人脸",
        "uncertainty": "人脸 {number} 的不确定性：",
        "score_passes": "{passes} 次采样的质量分 {mean:.3f} ± {spread:.3f}",
        "feature_spread": "特征离散度",
        "rts_variance": "RTS 方差",
        "entropy": "熵",
        "doubt": "1 - 最大概率",
        "comma": "，",
    },
}


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON; ``indent=None``: in one line, which is there at once."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    print(text, flush=indent is None)  # noqa: T201


def file_json(result: FileFaces, language: Language) -> dict[str, Any]:
    """Return the faces of one file, or its error, as JSON values."""
    if result.error is not None:
        detail = error_sentence(result.error, language)
        return {"file": result.file, "error": {"code": result.error.key, "detail": detail}}
    faces = [
        {"model_id": template.model_id, **face_json(template, with_feature=True)}
        for template in result.templates
    ]
    return {"file": result.file, "faces": faces}


def comparison_json(comparison: Comparison, language: Language) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return {
        "model_id": comparison.template_a.model_id,
        "similarity": comparison.similarity,
        "probability": comparison.probability,
        "probability_interval": comparison.probability_interval,
        "verdict": comparison.verdict,
        "verdict_name": verdict_name(comparison.verdict, language),
        "reasons": reasons_json(comparison.reasons, language),
        "explanation": explanation_json(comparison.explanation, language),
        "scenario": asdict(comparison.scenario),
        "calibration": comparison.calibration,
        "face_a": face_json(comparison.template_a, with_feature=False),
        "face_b": face_json(comparison.template_b, with_feature=False),
    }


def print_comparison(comparison: Comparison, names: Sequence[str], language: Language) -> None:
    """Print verdict, similarity, both scores and the reasons."""
    console = stdout_console()
    head = Text(verdict_name(comparison.verdict, language), STYLE_OF_VERDICT[comparison.verdict])
    label = _LABELS[language]["similarity"]
    head.append(f"   {label} {comparison.similarity:.3f}   [{comparison.scenario.name}]", "default")
    console.print(head)
    grid = Table.grid(padding=(0, 2))
    for name, template in zip(names, (comparison.template_a, comparison.template_b), strict=True):
        grid.add_row(Text(f"  {printable(name)}"), *score_cells(template, language))
    console.print(grid)
    if comparison.probability is not None:
        console.print(Text(f"  {_probability(comparison, language)}"))
    for reason in comparison.reasons:
        console.print(Text(f"  - {reason_sentence(reason, language)}"))
    for line in explanation_lines(comparison.explanation, language):
        console.print(Text(f"  {line}"))


def _probability(comparison: Comparison, language: Language) -> str:
    labels, ends = _LABELS[language], comparison.probability_interval
    return labels["probability"].format(
        value=comparison.probability,
        interval="" if ends is None else labels["interval"].format(low=ends[0], high=ends[1]),
        prior=comparison.scenario.same_prior,
        calibration=comparison.calibration,
    )


def print_faces(name: str, templates: Sequence[FaceTemplate], language: Language) -> None:
    """Print the score and the place of every face of one file."""
    console = stdout_console()
    labels = _LABELS[language]
    noun = labels["face" if len(templates) == 1 else "faces"]
    count = f"{len(templates)} {noun}" if templates else labels["no_face"]
    console.print(Text(f"{printable(name)}: {count}", "bold"))
    grid = Table.grid(padding=(0, 2))
    for template in templates:
        left, top, right, bottom = (round(float(edge)) for edge in template.face.box_xyxy_px)
        place = Text(f"({left}, {top})-({right}, {bottom}) px")
        grid.add_row(Text(" "), *score_cells(template, language), place)
    if templates:
        console.print(grid)
    for number, template in enumerate(templates, start=1):
        if template.uncertainty is not None:
            console.print(Text(f"  {_uncertainty(template.uncertainty, number, language)}"))


def print_scenarios(scenarios: Iterable[Scenario]) -> None:
    """Print thresholds as a table, a scenario in each column."""
    columns = [asdict(scenario) for scenario in scenarios]
    fields, *rows = ([key, *(_cell(one[key]) for one in columns)] for key in columns[0])
    print_table(fields, rows)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under titles."""
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    # wider than a terminal where it must be: cut-off numbers help nobody
    Console(highlight=False, width=200).print(table)


def stdout_console() -> Console:
    """Return a console on standard output as it is now, not as it was at the start."""
    return Console(highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def score_cells(template: FaceTemplate, language: Language) -> tuple[Text, Text, Text]:
    """Return a face's score as bar, number and level."""
    score, level = template.ood_score, template.quality_level
    if score is None or level is None:
        note = quality_score_note(QualityScore.NONE, language)
        return Text(note, "yellow"), Text("-"), Text("-")
    filled = round(_BAR_CELLS * score)
    style = _STYLE_OF_LEVEL[level]
    return (
        Text("█" * filled + "░" * (_BAR_CELLS - filled), style),
        Text(f"{score:.3f}"),
        Text(level_name(level, language), style),
    )


def _uncertainty(found: Uncertainty, number: int, language: Language) -> str:
    labels = _LABELS[language]
    parts = [
        labels["score_passes"].format(
            mean=found.score_mean, spread=found.score_spread, passes=found.passes
        ),
        f"{labels['feature_spread']} {found.feature_spread:.4f}",
        f"{labels['rts_variance']} {found.rts_variance:.4f}",
    ]
    if found.entropy is not None:
        parts.append(f"{labels['entropy']} {found.entropy:.4f}")
    if found.one_minus_max_probability is not None:
        parts.append(f"{labels['doubt']} {found.one_minus_max_probability:.4f}")
    return labels["uncertainty"].format(number=number) + labels["comma"].join(parts)


def face_json(template: FaceTemplate, *, with_feature: bool) -> dict[str, Any]:
    """Return one face as JSON values."""
    face = template.face
    values: dict[str, Any] = {
        "ood_score": template.ood_score,
        "quality_level": template.quality_level,
        "quality": template.quality,
        "box_xyxy_px": [round(float(edge), 2) for edge in face.box_xyxy_px],
        "probability": face.probability,
        "landmarks_px": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks_px],
    }
    if template.uncertainty is not None:
        values["uncertainty"] = asdict(template.uncertainty)
    if with_feature:
        # 9 significant digits hold a float32 exactly
        values["feature"] = [float(f"{value:.9g}") for value in template.feature]
    return values
