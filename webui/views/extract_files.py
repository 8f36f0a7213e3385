"""An extraction as files: JSON, NumPy, CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.types import FEATURE_DIM
from ood_face.uncertainty import uncertainty_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.types import FaceTemplate
    from webui.outcomes import ExtractOutcome

__all__ = ["faces_of", "features_csv", "features_json", "features_npz"]

# what a spreadsheet would take for the beginning of a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
        for name, number, template in faces_of(outcome)
    ]
    document = {"model_id": outcome.model_id, "faces": faces}
    return json.dumps(document, ensure_ascii=False).encode()


def features_npz(outcome: ExtractOutcome) -> bytes:
    """Return every face as arrays in a NumPy archive, one row a face."""
    found = list(faces_of(outcome))
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


def faces_of(outcome: ExtractOutcome) -> Iterator[tuple[str, int, FaceTemplate]]:
    """Yield file, number in the file, and the face, in the order of the files."""
    for file in outcome.files:
        for number, template in enumerate(file.templates, start=1):
            yield file.name, number, template


def features_csv(outcome: ExtractOutcome) -> bytes:
    """Return every face with its feature as CSV with a header, one row a face; UTF-8 with a mark.

    What a spreadsheet would take for a formula is told apart from one by an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    edges = ("left_px", "top_px", "right_px", "bottom_px")
    numbers = [f"feature_{index}" for index in range(FEATURE_DIM)]
    writer.writerow(
        ["file", "face", "model_id", "ood_score", "quality_level", "probability", *edges, *numbers]
    )
    for name, number, template in faces_of(outcome):
        face = template.face
        writer.writerow(
            [
                f"'{name}" if name.startswith(_FORMULA) else name,
                number,
                outcome.model_id,
                "" if template.ood_score is None else template.ood_score,
                template.quality_level or "",
                face.probability,
                *[round(float(edge), 2) for edge in face.box_xyxy_px],
                # 9 significant digits hold a float32 exactly
                *[f"{value:.9g}" for value in template.feature],
            ]
        )
    # the mark tells spreadsheets that names are UTF-8
    return buffer.getvalue().encode("utf-8-sig")
