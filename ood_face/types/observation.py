"""What is watched of the service's work: numbers of verdicts, never pictures or features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from ood_face.types.decisions import Verdict

__all__ = ["STAGES", "Observation", "Stage", "VerdictSource"]

VerdictSource = Literal["compare", "verify", "identify"]
# what a request goes through; the API waits for a place before it decodes, the page after it
Stage = Literal["decode", "wait", "detect", "align", "embed", "search", "decide"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Observation:
    """The numbers of one verdict.

    Attributes
    ----------
    source : what was asked: two pictures, a picture and a subject, or a picture and a gallery
    similarity : of the two faces; of a search, that of the first candidate; None: there was none
    scores : ood_score, 0..1, of each picture that came with the request; None: no score
    verdict : what was said; of a search, ``same`` for identified and ``different`` for unknown
    """

    source: VerdictSource
    similarity: float | None
    scores: tuple[float | None, ...]
    verdict: Verdict
