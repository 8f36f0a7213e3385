"""From pictures to templates of a subject: quality, likeness to others, the best ones kept."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import InputError, TemplateMismatchError, VersionConflictError
from ood_face.matching import refusals
from ood_face.matching.enrolment import check_quality
from ood_face.service.keeping import NewFace, known_hashes, outcomes_of, write_enrolment
from ood_face.service.records import key_reused
from ood_face.types import Enrolment, NewTemplate, Reason, check_subject_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.ports import Gallery
    from ood_face.service.faces import FaceService
    from ood_face.types import EnrolledSubject, EnrolmentRequest, Scenario

__all__ = ["Enroller", "check_model"]

# at writing, where a change of name or metadata comes between
_ATTEMPTS = 8


def check_model(gallery: Gallery, model_id: str) -> None:
    """Raise TemplateMismatchError unless a gallery's templates are of this model."""
    info = gallery.info
    if info.model_id != model_id:
        raise TemplateMismatchError(
            "gallery.other_model",
            "gallery {gallery} holds templates of model {model}, and the service runs {service}: "
            "their features do not compare; 'ood-face gallery migrate' embeds kept crops again",
            gallery=info.name,
            model=info.model_id,
            service=model_id,
        )


class Enroller:
    """Enrols pictures; safe to call from several threads.

    Faces are found and embedded side by side; looking for near-duplicates and writing is one step
    at a time per gallery, so that two requests can't enrol the same face as two subjects. (Where
    several processes share a gallery, they still can.)

    Parameters
    ----------
    faces : finds and embeds them
    """

    def __init__(self, faces: FaceService) -> None:
        self._faces = faces
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def enroll(self, gallery: Gallery, request: EnrolmentRequest) -> Enrolment:
        """Carry out a request: all its pictures, or an error and no change.

        Raises
        ------
        NoFaceError, MultipleFacesError
            A picture does not show one face.
        LowQualityError
            A face is too poor for the scenario.
        DuplicateFaceError
            A face belongs to another subject, and the request does not force it.
        DuplicateSubjectError, SubjectNotFoundError
            The subject is there and should not be, or the other way round.
        TemplateMismatchError
            The gallery is of another model.
        TokenReusedError
            The idempotency key came before with another request.
        VersionConflictError
            ``if_version`` is given and is not the subject's.
        """
        check_subject_id(request.subject_id)
        check_model(gallery, self._faces.model_id)
        scenario = self._faces.scenario(request.scenario or gallery.info.scenario)
        # looked at before the key: what a request with this key has enrolled by now is its own
        enrolled = gallery.enrolled([request.subject_id])
        replayed = _replayed(gallery, request)
        if replayed is not None:
            return replayed
        present = _as_expected(gallery, request, enrolled)
        new: dict[str, NewFace] = {}
        conflicts = 0
        while True:
            self._embed(gallery, request, scenario, present, new)
            with self._locks[gallery.info.name]:
                # the same request, sent twice at once
                replayed = _replayed(gallery, request)
                if replayed is not None:
                    return replayed
                present = _present(gallery, request)
                if _missing(request, present, new):
                    # a template was there when the faces were embedded, and was erased meanwhile
                    continue
                try:
                    return write_enrolment(
                        gallery, request, present, new, scenario, self._faces.work
                    )
                except VersionConflictError:
                    # changed in this moment, by what is no enrolment
                    conflicts += 1
                    if request.if_version is not None or conflicts == _ATTEMPTS:
                        raise

    def _embed(
        self,
        gallery: Gallery,
        request: EnrolmentRequest,
        scenario: Scenario,
        present: EnrolledSubject | None,
        new: dict[str, NewFace],
    ) -> None:
        # adds to ``new`` what neither it nor the subject has
        missing = _missing(request, present, new)
        keep_crops = gallery.info.keep_crops
        for i, picture in enumerate(request.pictures):
            if picture.source_hash not in missing or picture.source_hash in new:
                continue
            with _about(i):
                face, count = self._faces.extract_one(picture.image)
                reasons = check_quality(face.ood_score, scenario)
            if count > 1:
                reasons += (Reason("faces.largest", {"count": count}),)
            template = NewTemplate(
                feature=face.feature,
                ood_score=face.ood_score,
                model_id=face.model_id,
                source_hash=picture.source_hash,
                crop=self._faces.crop(picture.image, face.face) if keep_crops else None,
                token=request.token,
            )
            new[picture.source_hash] = NewFace(template, reasons)


@contextmanager
def _about(picture: int) -> Iterator[None]:
    try:
        yield
    except InputError as exc:
        exc.picture = picture
        raise


def _replayed(gallery: Gallery, request: EnrolmentRequest) -> Enrolment | None:
    found = None if request.token is None else gallery.find_token(request.token.key_hash)
    if found is None:
        return None
    token, subject = found
    if token != request.token:
        raise key_reused()
    return Enrolment(
        subject=subject,
        pictures=tuple(outcomes_of(request, subject, {})),
        created=subject.token == token,
        replayed=True,
    )


def _present(gallery: Gallery, request: EnrolmentRequest) -> EnrolledSubject | None:
    return _as_expected(gallery, request, gallery.enrolled([request.subject_id]))


def _as_expected(
    gallery: Gallery, request: EnrolmentRequest, enrolled: list[EnrolledSubject]
) -> EnrolledSubject | None:
    if enrolled and request.expect == "new":
        raise refusals.duplicate_subject(gallery.info.name, request.subject_id)
    if not enrolled and request.expect == "known":
        raise refusals.no_subject(gallery.info.name, request.subject_id)
    return enrolled[0] if enrolled else None


def _missing(
    request: EnrolmentRequest, present: EnrolledSubject | None, new: dict[str, NewFace]
) -> set[str]:
    sent = {picture.source_hash for picture in request.pictures}
    return sent - known_hashes(present) - set(new)
