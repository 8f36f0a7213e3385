"""Hands the numbers of verdicts to what watches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.types import Identification, IdentifyVerdict, Observation, Verdict

if TYPE_CHECKING:
    from ood_face.ports import Observer
    from ood_face.types import Comparison, Verification

__all__ = ["VerdictFeed"]

_AS_OF_TWO = {
    IdentifyVerdict.IDENTIFIED: Verdict.SAME,
    IdentifyVerdict.UNKNOWN: Verdict.DIFFERENT,
    IdentifyVerdict.REVIEW: Verdict.REVIEW,
    IdentifyVerdict.RECAPTURE: Verdict.RECAPTURE,
}


class VerdictFeed:
    """Tells observers the numbers of verdicts, never who or what was seen."""

    def __init__(self) -> None:
        self._observers: tuple[Observer, ...] = ()

    def attach(self, observer: Observer) -> None:
        """Tell this one from now on."""
        self._observers = (*self._observers, observer)

    def compared(self, found: Comparison) -> None:
        """Tell of two pictures that were compared."""
        scores = (found.template_a.ood_score, found.template_b.ood_score)
        self._tell(Observation("compare", found.similarity, scores, found.verdict))

    def sought(self, found: Identification | Verification) -> None:
        """Tell of a picture that was sought in a gallery, or compared with a subject of it."""
        scores = (found.probe.ood_score,)
        if isinstance(found, Identification):
            best = found.candidates[0].similarity if found.candidates else None
            self._tell(Observation("identify", best, scores, _AS_OF_TWO[found.verdict]))
        else:
            similarity = found.candidate.similarity
            self._tell(Observation("verify", similarity, scores, found.verdict))

    def labelled(self, probability: float, same: bool) -> None:
        """Tell what a person said of a verdict that came with this P(same)."""
        for observer in self._observers:
            observer.labelled(probability, same)

    def _tell(self, observation: Observation) -> None:
        for observer in self._observers:
            observer.observe(observation)
