"""From the fields of a request to subjects and templates, and back to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.api.answers import reasons_of
from ood_face.api.gallery_schemas import (
    EnrolmentResponse,
    NearDuplicateOut,
    PictureOutcome,
    SubjectOut,
    TemplateOut,
)
from ood_face.types import Profile, QualityLevel

if TYPE_CHECKING:
    from ood_face.api.values import Values
    from ood_face.messages import Language
    from ood_face.types import Enrolment, NearDuplicate, Subject, TemplateRecord

__all__ = [
    "enrolment_out",
    "near_duplicates_out",
    "outcomes_of",
    "patched",
    "profile_of",
    "subject_out",
    "template_out",
]


def profile_of(fields: Values, present: Profile | None = None) -> Profile | None:
    """Return name and metadata; None: neither was sent.

    Parameters
    ----------
    fields : what was sent
    present : what is there: it stays where only the other of the two was sent
    """
    name, metadata = fields.text("name"), fields.json_object("metadata")
    if name is None and metadata is None:
        return None
    kept = Profile() if present is None else present
    return Profile(
        kept.name if name is None else name, kept.metadata if metadata is None else metadata
    )


def patched(profile: Profile, fields: Values) -> Profile:
    """Return a profile with a merge patch (RFC 7396) applied: null removes, objects are merged."""
    name, metadata = profile.name, dict(profile.metadata)
    if "name" in fields:
        name = fields.text("name")
    if "metadata" in fields:
        patch = fields.json_object("metadata")
        metadata = {} if patch is None else _merged(metadata, patch)
    return Profile(name, metadata)


def _merged(target: object, patch: dict[str, object]) -> dict[str, object]:
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = _merged(merged.get(name), value)
        else:
            merged[name] = value
    return merged


def template_out(record: TemplateRecord) -> TemplateOut:
    """Return a template as the API shows it."""
    return TemplateOut(
        template_id=record.template_id,
        ood_score=record.ood_score,
        quality_level=_level(record.ood_score),
        model_id=record.model_id,
        source_hash=record.source_hash,
        created_at=record.created_at,
        has_crop=record.has_crop,
    )


def subject_out(subject: Subject) -> SubjectOut:
    """Return a subject as the API shows it."""
    return SubjectOut(
        subject_id=subject.subject_id,
        name=subject.profile.name,
        metadata=dict(subject.profile.metadata),
        created_at=subject.created_at,
        version=subject.version,
        templates=[template_out(record) for record in subject.templates],
    )


def enrolment_out(enrolment: Enrolment, language: Language) -> EnrolmentResponse:
    """Return what an enrolment did."""
    return EnrolmentResponse(
        subject=subject_out(enrolment.subject),
        created=enrolment.created,
        pictures=outcomes_of(enrolment, language),
        evicted=list(enrolment.evicted),
        near_duplicates=near_duplicates_out(enrolment.near_duplicates),
    )


def outcomes_of(enrolment: Enrolment, language: Language) -> list[PictureOutcome]:
    """Return what became of each picture."""
    return [
        PictureOutcome(
            status=picture.status,
            ood_score=picture.ood_score,
            quality_level=_level(picture.ood_score),
            template_id=None if picture.template is None else picture.template.template_id,
            reasons=reasons_of(picture.reasons, language),
        )
        for picture in enrolment.pictures
    ]


def near_duplicates_out(found: tuple[NearDuplicate, ...]) -> list[NearDuplicateOut]:
    """Return other subjects with nearly the same face."""
    return [
        NearDuplicateOut(subject_id=other.subject_id, similarity=other.similarity)
        for other in found
    ]


def _level(score: float | None) -> QualityLevel | None:
    return None if score is None else QualityLevel.of(score)
