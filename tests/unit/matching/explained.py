"""What the tests of explanations have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.types import DetectedFace, FaceTemplate, Scenario
from tests.fakes.templates import feature

if TYPE_CHECKING:
    from ood_face.types import Explanation, UncertaintySource

FACE = DetectedFace(np.array([0, 0, 9, 9]), 1.0, np.zeros((5, 2)))
SCENARIO = Scenario("s", identify_needs_margin_above=0.05)
SURE = (0.95, 0.97)


def template(score: float | None, number: int = 1) -> FaceTemplate:
    """Return a face of this score; its RTS variance is 2 less the score."""
    return FaceTemplate(feature(number), score, "m", FACE, rts_variance=score and 2 - score)


def level_key(explanation: Explanation, source: UncertaintySource) -> tuple[str, str]:
    """Return the level of a part, and the last step of its reason's key."""
    part = explanation.part(source)
    return part.level.value, part.reason.key.removeprefix("explanation.")
