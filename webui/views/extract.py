"""The result of an extraction: a table of faces, and the downloads."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.messages import level_name, quality_score_note
from ood_face.types import FEATURE_DIM, QualityScore
from ood_face.uncertainty import uncertainty_columns
from webui.markup import Html, join, tag
from webui.outcomes import Problem
from webui.views.parts import error_card, error_text, waiting_card
from webui.views.uncertainty import uncertainty_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.types import FaceTemplate
    from webui.catalogue import Texts
    from webui.outcomes import ExtractOutcome

__all__ = ["extract_view", "features_json", "features_npz"]

_NUMBERS_SHOWN = 8


def extract_view(outcome: ExtractOutcome | None, texts: Texts) -> Html:
    """Return the table of all faces with downloads, or what is missing."""
    if outcome is not None and outcome.error is not None:
        return error_card(Problem(outcome.error), texts)
    if outcome is None or not outcome.files:
        return waiting_card(texts, "extract")
    found = list(_faces(outcome))
    problems = [_problem(name, sentence, texts) for name, sentence in _failures(outcome, texts)]
    key = "extract.summary_one" if len(found) == 1 else "extract.summary_many"
    parts = [tag("p", texts(key, count=len(found)), class_="summary"), *problems]
    if found:
        parts += [_table(outcome, texts), uncertainty_view(found, texts)]
        parts.append(_downloads(outcome, texts))
    return tag("section", *parts, class_="extracted")


def features_json(outcome: ExtractOutcome) -> bytes:
    """Return every face with its feature as JSON."""
    faces = [
        {
            "file": name,
            "face": number,
            "ood_score": template.ood_score,
            "quality": template.quality,
            # an enumeration of strings; null where the model gives no score
            "quality_level": template.quality_level,
            "box_xyxy_px": [round(float(v), 2) for v in template.face.box_xyxy_px],
            "landmarks_px": np.round(template.face.landmarks_px.astype(float), 2).tolist(),
            "probability": template.face.probability,
            "feature": [float(v) for v in template.feature],
            **_asked_for(template),
        }
        for name, number, template in _faces(outcome)
    ]
    document = {"model_id": outcome.model_id, "faces": faces}
    return json.dumps(document, ensure_ascii=False).encode()


def features_npz(outcome: ExtractOutcome) -> bytes:
    """Return every face as arrays in a NumPy archive, one row a face."""
    found = list(_faces(outcome))
    templates = [template for _, _, template in found]
    boxes = [template.face.box_xyxy_px for template in templates]
    # the names of ``ood-face extract --out``
    arrays: dict[str, Any] = {
        "features": np.array([t.feature for t in templates], np.float32).reshape(-1, FEATURE_DIM),
        "ood_scores": np.array([t.ood_score for t in templates], np.float32),
        "boxes_xyxy_px": np.array(boxes, np.float32).reshape(-1, 4),
        "files": np.array([name for name, _, _ in found], np.str_),
        "model_id": np.array(outcome.model_id),
    }
    columns = uncertainty_columns([template.uncertainty for template in templates])
    arrays |= {f"uncertainty_{name}": column for name, column in columns.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _asked_for(template: FaceTemplate) -> dict[str, Any]:
    found = template.uncertainty
    return {} if found is None else {"uncertainty": asdict(found)}


def _faces(outcome: ExtractOutcome) -> Iterator[tuple[str, int, FaceTemplate]]:
    for file in outcome.files:
        for number, template in enumerate(file.templates, start=1):
            yield file.name, number, template


def _failures(outcome: ExtractOutcome, texts: Texts) -> Iterator[tuple[str, str]]:
    for file in outcome.files:
        if file.error is not None:
            yield file.name, error_text(file.error, texts)
        elif not file.templates:
            yield file.name, texts("extract.no_face")


def _problem(name: str, sentence: str, texts: Texts) -> Html:
    return tag("p", texts("extract.problem", file=name, problem=sentence), class_="problem")


def _table(outcome: ExtractOutcome, texts: Texts) -> Html:
    columns = ("file", "face", "score", "level", "box", "probability", "feature")
    head = [tag("th", texts(f"extract.{column}"), scope="col") for column in columns]
    body = [_row(name, number, face, texts) for name, number, face in _faces(outcome)]
    table = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
        class_="faces",
        aria_label=texts("extract.table"),
    )
    label = texts("extract.table")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def _row(name: str, number: int, template: FaceTemplate, texts: Texts) -> Html:
    face = template.face
    numbers = " ".join(f"{v:+.3f}" for v in template.feature[:_NUMBERS_SHOWN])
    return tag(
        "tr",
        tag("td", name),
        tag("td", str(number)),
        *_quality_cells(template, texts),
        tag("td", ", ".join(f"{v:.0f}" for v in face.box_xyxy_px)),
        tag("td", f"{face.probability:.4f}"),
        tag("td", tag("code", numbers)),
    )


def _quality_cells(template: FaceTemplate, texts: Texts) -> tuple[Html, ...]:
    score, level = template.ood_score, template.quality_level
    if score is None or level is None:
        sentence = quality_score_note(QualityScore.NONE, texts.language)
        return (tag("td", sentence, colspan=2, class_="score-none"),)
    swatch = tag("span", class_="swatch", aria_hidden="true")
    name = level_name(level, texts.language)
    words = tag("td", swatch, name, f" ({template.quality})", class_=f"level-{level}")
    return tag("td", f"{score:.3f}"), words


def _downloads(outcome: ExtractOutcome, texts: Texts) -> Html:
    links = [
        _link(features_json(outcome), "application/json", "faces.json", texts("extract.json")),
        _link(features_npz(outcome), "application/octet-stream", "faces.npz", texts("extract.npz")),
    ]
    note = tag("p", tag("small", texts("extract.download_note")))
    return tag("div", join(*links), note, class_="downloads")


def _link(data: bytes, mime: str, name: str, label: str) -> Html:
    # inside the page, not in a file on the server that somebody else might fetch
    encoded = base64.b64encode(data).decode("ascii")
    return tag("a", label, href=f"data:{mime};base64,{encoded}", download=name, class_="download")
