"""From pictures to templates of a subject: quality, likeness to others, the best ones kept."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import (
    InputError,
    TemplateMismatchError,
)
from ood_face.matching import refusals
from ood_face.matching.enrolment import (
    check_quality,
    choose_templates,
    likeness_reasons,
    near_duplicates,
)
from ood_face.service.records import key_reused
from ood_face.types import (
    EnrolledPicture,
    Enrolment,
    EnrolmentStatus,
    NewTemplate,
    Profile,
    Reason,
    check_subject_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.ports import Gallery
    from ood_face.service.faces import FaceService
    from ood_face.types import (
        EnrolledSubject,
        EnrolmentRequest,
        NearDuplicate,
        Scenario,
        Subject,
    )

__all__ = ["Enroller", "check_model"]

# nearest templates looked at for other subjects with the same face, beside the subject's own
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True, eq=False)
class _New:
    template: NewTemplate
    reasons: tuple[Reason, ...]


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
        replayed = _replayed(gallery, request)
        if replayed is not None:
            return replayed
        present = _present(gallery, request)
        new = self._embed(gallery, request, scenario, present)
        with self._locks[gallery.info.name]:
            # the same request, sent twice at once
            replayed = _replayed(gallery, request)
            if replayed is not None:
                return replayed
            return _write(gallery, request, new, scenario)

    def _embed(
        self,
        gallery: Gallery,
        request: EnrolmentRequest,
        scenario: Scenario,
        present: EnrolledSubject | None,
    ) -> dict[str, _New]:
        known = set() if present is None else {t.source_hash for t in present.subject.templates}
        new: dict[str, _New] = {}
        keep_crops = gallery.info.keep_crops
        for i, picture in enumerate(request.pictures):
            if picture.source_hash in known or picture.source_hash in new:
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
            new[picture.source_hash] = _New(template, reasons)
        return new


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
        pictures=tuple(_outcomes(request, subject, {})),
        created=subject.token == token,
        replayed=True,
    )


def _present(gallery: Gallery, request: EnrolmentRequest) -> EnrolledSubject | None:
    enrolled = gallery.enrolled([request.subject_id])
    if enrolled and request.expect == "new":
        raise refusals.duplicate_subject(gallery.info.name, request.subject_id)
    if not enrolled and request.expect == "known":
        raise refusals.no_subject(gallery.info.name, request.subject_id)
    return enrolled[0] if enrolled else None


def _write(
    gallery: Gallery, request: EnrolmentRequest, new: dict[str, _New], scenario: Scenario
) -> Enrolment:
    present = _present(gallery, request)
    duplicates = _near_duplicates(gallery, request, new, scenario)
    if present is not None:
        new = {key: _with_likeness(one, present, scenario) for key, one in new.items()}
    records = () if present is None else present.subject.templates
    fresh = list(new.values())
    accepted, evicted = choose_templates(
        records, [one.template.ood_score for one in fresh], gallery.info.max_templates
    )
    add = [fresh[i].template for i in accepted]
    subject = _store(gallery, request, present, add, evicted)
    return Enrolment(
        subject=subject,
        pictures=tuple(_outcomes(request, subject, new)),
        created=present is None,
        evicted=tuple(evicted),
        near_duplicates=duplicates,
    )


def _store(
    gallery: Gallery,
    request: EnrolmentRequest,
    present: EnrolledSubject | None,
    add: list[NewTemplate],
    evicted: list[int],
) -> Subject:
    if present is None:
        profile = request.profile or Profile()
        return gallery.create_subject(request.subject_id, profile, add, request.token)
    subject = present.subject
    version = subject.version if request.if_version is None else request.if_version
    if add or evicted:
        subject = gallery.change_templates(request.subject_id, add, evicted, version)
        version = subject.version
    if request.profile is not None and request.profile != subject.profile:
        subject = gallery.update_subject(request.subject_id, request.profile, version)
    return subject


def _near_duplicates(
    gallery: Gallery, request: EnrolmentRequest, new: dict[str, _New], scenario: Scenario
) -> tuple[NearDuplicate, ...]:
    if not new:
        return ()
    probes = np.stack([one.template.feature for one in new.values()])
    found = gallery.search(probes, gallery.info.max_templates + _NEIGHBOURS)
    pairs = [(hit.subject_id, hit.similarity) for hits in found for hit in hits]
    return near_duplicates(pairs, request.subject_id, scenario, force=request.force)


def _with_likeness(one: _New, present: EnrolledSubject, scenario: Scenario) -> _New:
    highest = (
        float((present.features @ one.template.feature).max()) if len(present.features) else None
    )
    return _New(one.template, one.reasons + likeness_reasons(highest, scenario))


def _outcomes(
    request: EnrolmentRequest, subject: Subject, new: dict[str, _New]
) -> list[EnrolledPicture]:
    records = {record.source_hash: record for record in subject.templates}
    outcomes = []
    for picture in request.pictures:
        record, one = records.get(picture.source_hash), new.get(picture.source_hash)
        if one is not None:
            status = EnrolmentStatus.NOT_KEPT if record is None else EnrolmentStatus.ENROLLED
            found = EnrolledPicture(status, one.template.ood_score, record, one.reasons)
        elif record is not None:
            found = EnrolledPicture(EnrolmentStatus.UNCHANGED, record.ood_score, record)
        else:
            # its template was evicted or removed since the request was carried out
            found = EnrolledPicture(EnrolmentStatus.NOT_KEPT, None, None)
        outcomes.append(found)
    return outcomes
