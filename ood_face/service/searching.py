"""A picture sought in a gallery, or compared with one enrolled subject."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ood_face.errors import InputError, SubjectNotFoundError
from ood_face.matching.explanation import explain_identification, explain_verification
from ood_face.matching.identification import (
    decide_identity,
    decide_verification,
    rank,
    subject_ids_of,
    with_features,
)
from ood_face.matching.probability import with_probabilities
from ood_face.matching.spread import spread_of_search
from ood_face.service.enrolling import check_model
from ood_face.types import MAX_TEMPLATES, Identification, Verification

if TYPE_CHECKING:
    from ood_face.ports import Gallery
    from ood_face.service.faces import FaceService
    from ood_face.types import Candidate, EnrolledSubject, FaceTemplate, RgbImage

__all__ = ["MAX_TOP_K", "Searcher"]

MAX_TOP_K = 100
# counting takes as long as searching; a number of a minute ago is as good for a prior
_COUNT_LIVES_S = 60.0


class Searcher:
    """Identifies and verifies; safe to call from several threads.

    Parameters
    ----------
    faces : finds and embeds the probe
    """

    def __init__(self, faces: FaceService) -> None:
        self._faces = faces
        self._counts = _Counts()

    def identify(
        self,
        gallery: Gallery,
        image: RgbImage,
        top_k: int = 5,
        scenario: str | None = None,
        calibration: str | None = None,
    ) -> Identification:
        """Seek the one face of a picture; see :meth:`GalleryService.identify`."""
        check_top_k(top_k)
        check_model(gallery, self._faces.model_id)
        info = gallery.info
        policy = self._faces.applied(scenario or info.scenario, calibration, info.calibration)
        applied, estimator = policy.scenario, policy.estimator
        probe, _ = self._faces.extract_one(image, dropout_passes=applied.dropout_passes)
        with self._faces.work.stage("search"):
            ids = _nearest(gallery, probe, max(top_k, 2), info.max_templates)
            enrolled = gallery.enrolled(ids)
            among = 0 if estimator is None else self._counts.subjects(gallery)
        with self._faces.work.stage("decide"):
            prior = applied.same_prior
            candidates = with_probabilities(
                rank(probe.feature, enrolled), probe.ood_score, estimator, among, prior
            )
            verdict, reasons, margin = decide_identity(probe.ood_score, candidates, applied)
            found = Identification(
                probe=probe,
                verdict=verdict,
                reasons=reasons,
                candidates=tuple(candidates[:top_k]),
                margin=margin,
                gallery=info.name,
                scenario=applied,
                calibration=policy.calibration,
            )
            pairs = with_features(candidates, enrolled)
            spread = spread_of_search(probe, pairs, estimator, among, prior)
            return replace(found, explanation=explain_identification(found, spread))

    def verify(
        self,
        gallery: Gallery,
        subject_id: str,
        image: RgbImage,
        scenario: str | None = None,
        calibration: str | None = None,
    ) -> Verification:
        """Compare a picture with a subject; see :meth:`GalleryService.verify`."""
        check_model(gallery, self._faces.model_id)
        info = gallery.info
        policy = self._faces.applied(scenario or info.scenario, calibration, info.calibration)
        applied, estimator, prior = policy.scenario, policy.estimator, policy.scenario.same_prior
        gallery.subject(subject_id)  # an unknown one is told before the picture is worked on
        probe, _ = self._faces.extract_one(image, dropout_passes=applied.dropout_passes)
        with self._faces.work.stage("search"):
            enrolled = gallery.enrolled([subject_id])
        with self._faces.work.stage("decide"):
            candidate = _claimed(probe, enrolled, info.name, subject_id)
            # one subject is claimed, so the prior is that of two pictures
            (candidate,) = with_probabilities([candidate], probe.ood_score, estimator, 1, prior)
            verdict, reasons = decide_verification(probe.ood_score, candidate, applied)
            found = Verification(
                probe=probe,
                candidate=candidate,
                verdict=verdict,
                reasons=reasons,
                gallery=info.name,
                scenario=applied,
                calibration=policy.calibration,
            )
            pairs = with_features([candidate], enrolled)
            spread = spread_of_search(probe, pairs, estimator, 1, prior)
            return replace(found, explanation=explain_verification(found, spread))


def _nearest(gallery: Gallery, probe: FaceTemplate, subjects: int, max_templates: int) -> list[str]:
    # the margin needs two subjects; each can fill max_templates places before the next comes
    ids: list[str] = []
    for most in (max_templates, MAX_TEMPLATES):
        # subjects enrolled when the gallery kept more templates can have as many still
        count = subjects * most
        hits = gallery.search(probe.feature[None], count)[0]
        ids = subject_ids_of(((hit.subject_id, hit.similarity) for hit in hits), subjects)
        if len(ids) == subjects or len(hits) < count:
            break
    return ids


def _claimed(
    probe: FaceTemplate, enrolled: list[EnrolledSubject], gallery: str, subject_id: str
) -> Candidate:
    candidates = rank(probe.feature, enrolled)
    if not candidates:
        raise SubjectNotFoundError(
            "gallery.no_template",
            "subject {subject} of gallery {gallery} has no template to compare with",
            gallery=gallery,
            subject=subject_id,
        )
    (candidate,) = candidates
    return candidate


class _Counts:
    """How many subjects galleries have, or had a moment ago."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float, int]] = {}

    def subjects(self, gallery: Gallery) -> int:
        info, now = gallery.info, time.monotonic()
        version, counted, count = self._known.get(info.name, (-1, now, 0))
        if version != info.version or now - counted >= _COUNT_LIVES_S:
            count = gallery.counts().subjects
            self._known[info.name] = (info.version, now, count)
        return count


def check_top_k(top_k: int) -> None:
    """Raise InputError unless this many candidates may be asked for."""
    if not 1 <= top_k <= MAX_TOP_K:
        raise InputError(
            "identify.top_k",
            "top_k lies in 1..{limit}, this is {got}",
            limit=MAX_TOP_K,
            got=top_k,
        )
