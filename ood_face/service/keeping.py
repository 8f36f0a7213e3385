"""What a subject keeps of new faces, and the writing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching import refusals
from ood_face.matching.enrolment import choose_templates, likeness_reasons, near_duplicates
from ood_face.types import EnrolledPicture, Enrolment, EnrolmentStatus, Profile

if TYPE_CHECKING:
    from ood_face.ports import Gallery
    from ood_face.service.work import WorkFeed
    from ood_face.types import (
        EnrolledSubject,
        EnrolmentRequest,
        NearDuplicate,
        NewTemplate,
        Reason,
        Scenario,
        Subject,
    )

__all__ = ["NewFace", "known_hashes", "outcomes_of", "write_enrolment"]

# nearest templates looked at for other subjects with the same face, beside the subject's own
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face of a picture, good enough to be enrolled; ``reasons``: what one should know of it."""

    template: NewTemplate
    reasons: tuple[Reason, ...]


def known_hashes(present: EnrolledSubject | None) -> set[str]:
    """Return the hashes of the pictures that a subject's templates were made of."""
    return set() if present is None else {t.source_hash for t in present.subject.templates}


def write_enrolment(
    gallery: Gallery,
    request: EnrolmentRequest,
    present: EnrolledSubject | None,
    embedded: dict[str, NewFace],
    scenario: Scenario,
    work: WorkFeed,
) -> Enrolment:
    """Write the best of the faces there are and the new ones; nobody else enrols meanwhile.

    Parameters
    ----------
    gallery : where
    request : what was asked
    present : the subject as it is; None: it is new
    embedded : faces by the hash of their picture: all that the subject does not have
    scenario : the thresholds that apply
    work : is told how long the search for near-duplicates takes

    Raises
    ------
    DuplicateFaceError
        A face belongs to another subject, and the request does not force it.
    VersionConflictError
        The subject is not what the caller has seen, or was changed in this moment.
    """
    known = known_hashes(present)
    # another request may have enrolled some of them meanwhile
    new = {
        picture.source_hash: embedded[picture.source_hash]
        for picture in request.pictures
        if picture.source_hash not in known
    }
    records = () if present is None else present.subject.templates
    duplicates = _near_duplicates(gallery, request, new, scenario, len(records), work)
    if present is not None:
        new = {key: _with_likeness(one, present, scenario) for key, one in new.items()}
    fresh = list(new.values())
    accepted, evicted = choose_templates(
        records, [one.template.ood_score for one in fresh], gallery.info.max_templates
    )
    if not fresh:
        # a gallery that keeps fewer than before takes none away until one comes
        evicted = []
    add = [fresh[i].template for i in accepted]
    subject = _store(gallery, request, present, add, evicted)
    return Enrolment(
        subject=subject,
        pictures=tuple(outcomes_of(request, subject, new)),
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
    refusals.check_version(request.subject_id, subject.version, request.if_version)
    if add or evicted:
        subject = gallery.change_templates(request.subject_id, add, evicted, subject.version)
    if request.profile is not None and request.profile != subject.profile:
        # it replaces whatever is there: no conflict can leave the request half done
        subject = gallery.update_subject(request.subject_id, request.profile)
    return subject


def _near_duplicates(
    gallery: Gallery,
    request: EnrolmentRequest,
    new: dict[str, NewFace],
    scenario: Scenario,
    own: int,
    work: WorkFeed,
) -> tuple[NearDuplicate, ...]:
    if not new:
        return ()
    probes = np.stack([one.template.feature for one in new.values()])
    # the subject's own templates may fill the first places, also more than the gallery keeps now
    count = max(own, gallery.info.max_templates) + _NEIGHBOURS
    with work.stage("search"):
        found = gallery.search(probes, count)
    pairs = [(hit.subject_id, hit.similarity) for hits in found for hit in hits]
    return near_duplicates(pairs, request.subject_id, scenario, force=request.force)


def _with_likeness(one: NewFace, present: EnrolledSubject, scenario: Scenario) -> NewFace:
    highest = (
        float((present.features @ one.template.feature).max()) if len(present.features) else None
    )
    return NewFace(one.template, one.reasons + likeness_reasons(highest, scenario))


def outcomes_of(
    request: EnrolmentRequest, subject: Subject, new: dict[str, NewFace]
) -> list[EnrolledPicture]:
    """Return what became of each picture of a request.

    Parameters
    ----------
    request : with the pictures
    subject : as it is now
    new : faces that were new to it, by the hash of their picture
    """
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
