"""What the service does: how long its stages take, how many faces, which scores and verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from ood_face.types import STAGES, IdentifyVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

    from ood_face.types import Observation, Stage

__all__ = ["WorkMetrics"]

# deciding takes 0.2 ms, a large picture on a busy machine seconds
_STAGE_BUCKETS_S = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)
_FACES_BUCKETS = (0, 1, 2, 4, 8, 16, 32, 64)
_SCORE_BUCKETS = tuple(step / 20 for step in range(1, 21))
# the numbers of a search come with the verdicts of two pictures; here they have their own names
_OF_SEARCH = {
    Verdict.SAME: IdentifyVerdict.IDENTIFIED,
    Verdict.DIFFERENT: IdentifyVerdict.UNKNOWN,
    Verdict.REVIEW: IdentifyVerdict.REVIEW,
    Verdict.RECAPTURE: IdentifyVerdict.RECAPTURE,
}


class WorkMetrics:
    """See :class:`ood_face.ports.Observer` and :class:`ood_face.ports.WorkObserver`.

    Parameters
    ----------
    registry : that the numbers are in
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        stages = Histogram(
            "ood_face_stage_seconds",
            "Time of one stage of one picture, comparison or search; those that failed left out.",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        verdicts = Counter(
            "ood_face_verdicts", "Verdicts given.", ["kind", "verdict"], registry=registry
        )
        self._batches = Histogram(
            "ood_face_batch_faces",
            "Faces that the embedding network got in one call.",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._per_picture = Histogram(
            "ood_face_faces_per_picture",
            "Faces found in one picture.",
            buckets=_FACES_BUCKETS,
            registry=registry,
        )
        self._faces = Counter(
            "ood_face_faces_found", "Faces found in all pictures.", registry=registry
        )
        self._scores = Histogram(
            "ood_face_ood_score",
            "Quality score, 0 to 1, of each face that a feature was made of; higher is better.",
            buckets=_SCORE_BUCKETS,
            registry=registry,
        )
        # found once: they are there from the start, at 0, and nobody waits to look them up
        self._stages = {stage: stages.labels(stage) for stage in STAGES}
        self._verdicts = {
            (kind, verdict): verdicts.labels(kind, verdict.value)
            for kind in ("compare", "verify")
            for verdict in Verdict
        } | {
            ("identify", verdict): verdicts.labels("identify", of_search.value)
            for verdict, of_search in _OF_SEARCH.items()
        }

    def timed(self, stage: Stage, seconds: float) -> None:
        """Take how long one stage took."""
        self._stages[stage].observe(seconds)

    def found(self, faces: int) -> None:
        """Take how many faces one picture shows."""
        self._per_picture.observe(faces)
        self._faces.inc(faces)

    def embedded(self, faces: int) -> None:
        """Take how many faces the embedding network got in one call."""
        self._batches.observe(faces)

    def scored(self, scores: Iterable[float | None]) -> None:
        """Take the scores of new templates; None: no score."""
        for score in scores:
            if score is not None:
                self._scores.observe(score)

    def observe(self, observation: Observation) -> None:
        """Take the numbers of one verdict."""
        self._verdicts[observation.source, observation.verdict].inc()

    def labelled(self, probability: float, same: bool) -> None:
        """Take what a person said of a verdict: the drift watch has the numbers of that."""
