"""What several endpoints say alike: the caller's language, a face's quality, reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ood_face.api.explanation_schemas import (
    ExplanationOut,
    ModelSpreadOut,
    ReasonOut,
    UncertaintyPartOut,
)
from ood_face.api.schemas import ScenarioOut
from ood_face.messages import (
    level_name,
    negotiate,
    reason_sentence,
    source_name,
    uncertainty_level_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import Request

    from ood_face.messages import Language
    from ood_face.types import Explanation, FaceTemplate, Reason, Scenario

__all__ = [
    "explanation_of",
    "feature_of",
    "language_of",
    "quality_of",
    "reasons_of",
    "scenario_of",
]

# what the numbers of a feature are rounded to
_DECIMALS = 10


def language_of(request: Request) -> Language:
    """Return the language that the caller asks for."""
    return negotiate(request.headers.get("accept-language"))


def quality_of(template: FaceTemplate, language: Language) -> dict[str, Any]:
    """Return the fields of a ``FaceQuality``."""
    face, level = template.face, template.quality_level
    return {
        "ood_score": template.ood_score,
        "quality_level": level,
        "quality_level_name": None if level is None else level_name(level, language),
        "quality": template.quality,
        # a hundredth of a pixel is below what the detector can tell
        "box_xyxy_px": [round(float(edge), 2) for edge in face.box_xyxy_px],
        "probability": face.probability,
        "landmarks_px": [(round(float(x), 2), round(float(y), 2)) for x, y in face.landmarks_px],
    }


def feature_of(template: FaceTemplate) -> list[float]:
    """Return a feature in as few digits as hold each float32 exactly, which halves the answer."""
    exact = template.feature
    rounded = np.round(exact.astype(np.float64), _DECIMALS)
    # numbers near 0 need more decimals than the others, which are made all at once
    for place in np.flatnonzero(rounded.astype(np.float32) != exact):
        rounded[place] = float(f"{exact[place]:.9g}")
    return cast("list[float]", rounded.tolist())


def reasons_of(reasons: Iterable[Reason], language: Language) -> list[ReasonOut]:
    """Return reasons with their sentences."""
    return [
        ReasonOut(key=reason.key, sentence=reason_sentence(reason, language), values=reason.values)
        for reason in reasons
    ]


def explanation_of(found: Explanation | None, language: Language) -> ExplanationOut | None:
    """Return how uncertain a decision is, with its sentences; None: nobody worked it out."""
    if found is None:
        return None
    return ExplanationOut(
        probability_of_error=found.probability_of_error,
        entropy_bits=found.entropy_bits,
        main=found.main,
        parts=[
            UncertaintyPartOut(
                source=part.source,
                source_name=source_name(part.source, language),
                level=part.level,
                level_name=uncertainty_level_name(part.level, language),
                amount=part.amount,
                reason=reasons_of([part.reason], language)[0],
            )
            for part in found.parts
        ],
        model=None if found.model is None else ModelSpreadOut(**asdict(found.model)),
    )


def scenario_of(scenario: Scenario) -> ScenarioOut:
    """Return the thresholds of a scenario."""
    return ScenarioOut(**asdict(scenario))
