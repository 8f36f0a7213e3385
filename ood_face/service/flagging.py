"""Which verdicts a person should look at, and what is kept of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ood_face.errors import BackendError, GalleryError, OodFaceError
from ood_face.service.faces import FaceService
from ood_face.types import IdentifyVerdict, ReviewCase, ReviewKind, Verdict, Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.ports import Gallery, ReviewQueue
    from ood_face.types import (
        Candidate,
        Comparison,
        FaceTemplate,
        Identification,
        RgbImage,
        Scenario,
    )

__all__ = ["Flagger", "ReviewedFaceService", "ambiguity"]

_FLAGGED = frozenset(
    {
        Verdict.REVIEW,
        Verdict.RECAPTURE,
        IdentifyVerdict.REVIEW,
        IdentifyVerdict.RECAPTURE,
    }
)
_MATCHES = frozenset({Verdict.SAME, IdentifyVerdict.IDENTIFIED})
# thresholds that lie closer than this say little of where doubt ends
_LEAST_WIDTH = 0.1

_logger = logging.getLogger(__name__)


def ambiguity(similarity: float, probability: float | None, scenario: Scenario) -> float:
    """Return how little the numbers say either way, 0..1.

    With a probability p it is ``2 min(p, 1 - p)``. Without one it is 1 in the middle between the
    two thresholds of the similarity, 1/2 at both, and falls with the square of the distance.
    """
    if probability is not None:
        return 2 * min(probability, 1 - probability)
    middle = (scenario.same_above + scenario.different_below) / 2
    width = max(scenario.same_above - scenario.different_below, _LEAST_WIDTH)
    return 1 / (1 + (2 * (similarity - middle) / width) ** 2)


class Flagger:
    """Offers doubtful verdicts to the review queue; never fails and never waits.

    ``review`` and ``recapture`` are doubtful, and others that P(same) contradicts or of which it
    says little. A search that found nobody to compare with is none: there is nothing to label.

    Parameters
    ----------
    queue : takes them in
    uncertain_above : other verdicts are doubtful if their P(same) has at least this ambiguity
    """

    def __init__(self, queue: ReviewQueue, uncertain_above: float) -> None:
        self._queue = queue
        self._uncertain_above = uncertain_above

    @property
    def queue(self) -> ReviewQueue:
        """What takes them in."""
        return self._queue

    def compared(
        self, found: Comparison, crops: Callable[[], tuple[NDArray[np.uint8], ...]]
    ) -> None:
        """Look at a comparison.

        Parameters
        ----------
        crops : returns the two aligned faces; called only if they are kept
        """
        if not self._doubtful(found.verdict, found.similarity, found.probability, found.scenario):
            return
        self._offer(
            lambda kept: ReviewCase(
                kind=ReviewKind.COMPARE,
                verdict=found.verdict.value,
                reasons=found.reasons,
                scenario=found.scenario.name,
                model_id=found.template_a.model_id,
                similarity=found.similarity,
                score_a=found.template_a.ood_score,
                score_b=found.template_b.ood_score,
                probability=found.probability,
                ambiguity=ambiguity(found.similarity, found.probability, found.scenario),
                crops=kept,
            ),
            crops,
            lambda: True,
        )

    def sought(
        self,
        gallery: Gallery,
        found: Identification | Verification,
        crop: Callable[[FaceTemplate], NDArray[np.uint8]],
    ) -> None:
        """Look at a search or a verification.

        Parameters
        ----------
        gallery : where
        found : what was answered
        crop : returns the aligned face of the probe; called only if it is kept
        """
        kind, candidate = _candidate_of(found)
        if candidate is None or not self._doubtful(
            found.verdict, candidate.similarity, candidate.probability, found.scenario
        ):
            return
        self._offer(
            lambda kept: ReviewCase(
                kind=kind,
                verdict=found.verdict.value,
                reasons=found.reasons,
                scenario=found.scenario.name,
                model_id=found.probe.model_id,
                similarity=candidate.similarity,
                score_a=found.probe.ood_score,
                score_b=candidate.ood_score,
                probability=candidate.probability,
                ambiguity=ambiguity(candidate.similarity, candidate.probability, found.scenario),
                gallery=found.gallery,
                subject_id=candidate.subject_id,
                template_id=candidate.template_id,
                crops=kept,
            ),
            lambda: (crop(found.probe),),
            lambda: _enrolled(gallery, candidate),
        )

    def _doubtful(
        self,
        verdict: Verdict | IdentifyVerdict,
        similarity: float,
        probability: float | None,
        scenario: Scenario,
    ) -> bool:
        if verdict in _FLAGGED:
            return True
        if probability is None:
            return False
        if (verdict in _MATCHES) != (probability >= 1 / 2):
            return True
        return ambiguity(similarity, probability, scenario) >= self._uncertain_above

    def _offer(
        self,
        case_of: Callable[[tuple[NDArray[np.uint8], ...]], ReviewCase],
        crops: Callable[[], tuple[NDArray[np.uint8], ...]],
        valid: Callable[[], bool],
    ) -> None:
        try:
            self._queue.offer(case_of(crops() if self._queue.keeps_crops else ()), valid)
        except OodFaceError as exc:
            _logger.error("a verdict is not in the review queue: %s", exc)  # noqa: TRY400


class ReviewedFaceService(FaceService):
    """A ``FaceService`` whose doubtful comparisons are offered to the review queue.

    Parameters
    ----------
    flagger : looks at each comparison
    parts, options : as :class:`FaceService` takes them
    """

    def __init__(self, flagger: Flagger, *parts: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*parts, **options)
        self._flagger = flagger

    def compare(
        self,
        image_a: RgbImage,
        image_b: RgbImage,
        scenario: str = "default",
        calibration: str | None = None,
        numbers: tuple[int | None, int | None] = (None, None),
    ) -> Comparison:
        """Compare the face of one picture with the face of another."""
        found = super().compare(image_a, image_b, scenario, calibration, numbers)
        self._flagger.compared(
            found,
            lambda: (
                self.crop(image_a, found.template_a.face),
                self.crop(image_b, found.template_b.face),
            ),
        )
        return found


def _candidate_of(found: Identification | Verification) -> tuple[ReviewKind, Candidate | None]:
    if isinstance(found, Verification):
        return ReviewKind.VERIFY, found.candidate
    return ReviewKind.IDENTIFY, found.candidates[0] if found.candidates else None


def _enrolled(gallery: Gallery, candidate: Candidate) -> bool:
    # by the template, whose number is never used again: somebody else may have the id by now
    try:
        templates = gallery.subject(candidate.subject_id).templates
    except GalleryError:
        return False
    except BackendError as exc:
        _logger.warning("a verdict is not in the review queue: %s", exc)
        return False
    return any(record.template_id == candidate.template_id for record in templates)
