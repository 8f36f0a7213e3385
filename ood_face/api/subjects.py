"""Endpoints of subjects: list, enrol, look at, change, erase."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Response

from ood_face.api.addresses import (
    SUBJECT,
    SUBJECTS,
    AfterParameter,
    GalleryParameter,
    LimitParameter,
    SubjectParameter,
    address,
    next_link,
)
from ood_face.api.answers import language_of
from ood_face.api.bodies import (
    CREATED_HEADERS,
    ETAG_HEADERS,
    FORCE,
    LINK_HEADERS,
    METADATA,
    NAME,
    SCENARIO,
    SUBJECT_ID,
    fields_body,
    json_body,
)
from ood_face.api.callers import EnrollCaller, ReadCaller
from ood_face.api.conditional import IfNoneMatch, SeenVersion, change_latest, etag, unchanged
from ood_face.api.enrolments import enrolment_out, patched, profile_of, subject_out
from ood_face.api.forms import Body, read_body
from ood_face.api.galleries import PATCH_TYPES, ReadPatch
from ood_face.api.gallery_schemas import EnrolmentResponse, SubjectOut, SubjectsPage
from ood_face.api.idempotency import EnrollSending, mark_replayed
from ood_face.api.openapi import problems
from ood_face.api.pictures import about_pictures, decode_all
from ood_face.types import EnrolmentRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.config import Settings
    from ood_face.service import GalleryService
    from ood_face.types import Subject

__all__ = ["ReadPictures", "add_subjects", "hashes"]

# the most pictures of a subject, and the texts beside them; one more is said to be too many
_MAX_PARTS = 32
ReadPictures = Annotated[
    Body, Depends(read_body("multipart/form-data", "application/json", max_parts=_MAX_PARTS))
]


def add_subjects(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    """Add the endpoints of subjects."""
    _add_reads(router, galleries)
    _add_enrolment(router, galleries, settings)
    _add_changes(router, galleries)


def hashes(pictures: Sequence[bytes]) -> list[str]:
    """Return what stands for pictures where requests are compared."""
    return [hashlib.sha256(data).hexdigest() for data in pictures]


def _add_reads(router: APIRouter, galleries: GalleryService) -> None:
    @router.get(SUBJECTS, responses=problems(404) | {200: {"headers": LINK_HEADERS}})
    def list_subjects(
        _caller: ReadCaller,
        response: Response,
        gallery: GalleryParameter,
        limit: LimitParameter = 100,
        after: AfterParameter = None,
    ) -> SubjectsPage:
        """List subjects by id, a page at a time."""
        found = galleries.subjects(gallery, after, limit)
        last = found[-1].subject_id if len(found) == limit else None
        if last is not None:
            path = f"{address(gallery)}/subjects"
            response.headers["Link"] = next_link(path, limit, last)
        return SubjectsPage(subjects=[subject_out(subject) for subject in found], next=last)

    @router.get(
        SUBJECT,
        response_model=SubjectOut,
        responses=problems(404)
        | {200: {"headers": ETAG_HEADERS}, 304: {"description": "As the caller has it."}},
    )
    def get_subject(
        _caller: ReadCaller,
        response: Response,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        if_none_match: IfNoneMatch = None,
    ) -> SubjectOut | Response:
        """Return one subject with its templates."""
        found = galleries.subject(gallery, subject)
        tag = etag(found.version)
        response.headers["ETag"] = tag
        return unchanged(if_none_match, tag) or subject_out(found)


def _add_enrolment(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    @router.post(
        SUBJECTS,
        status_code=201,
        openapi_extra=fields_body(
            {"subject_id": SUBJECT_ID},
            {"name": NAME, "metadata": METADATA, "force": FORCE, "scenario": SCENARIO},
            pictures="image",
        ),
        responses=problems(404, 408, 409, 413, 415, 503, 507) | {201: {"headers": CREATED_HEADERS}},
    )
    def enroll_subject(
        sending: EnrollSending, gallery: GalleryParameter, sent: ReadPictures
    ) -> EnrolmentResponse:
        """Enrol a new person, with all pictures sent or not at all.

        Each picture must show this person, alone or clearly in front. Without a picture the
        subject is made, and found by no search until it has a template.
        """
        fields = sent.values(("subject_id",), ("name", "metadata", "force", "scenario"), ("image",))
        pictures = fields.pictures("image")
        profile = profile_of(fields)
        asked = {
            "subject_id": fields.text("subject_id") or "",
            "name": None if profile is None else profile.name,
            "metadata": None if profile is None else dict(profile.metadata),
            "force": fields.flag("force") or False,
            "scenario": fields.text("scenario"),
            "image": hashes(pictures),
        }
        # who sends no picture waits for nobody
        place = galleries.places.reserved() if pictures else nullcontext()
        with about_pictures(sending.request, "image", len(pictures)), place:
            enrolment = galleries.enroll(
                gallery,
                EnrolmentRequest(
                    subject_id=fields.text("subject_id") or "",
                    pictures=decode_all(pictures, settings, galleries.work),
                    profile=profile,
                    expect="new",
                    force=fields.flag("force") or False,
                    scenario=fields.text("scenario"),
                    token=sending.token(asked),
                ),
                sending.caller,
            )
        response = sending.response
        if enrolment.replayed:
            mark_replayed(response)
        response.headers["Location"] = address(gallery, enrolment.subject.subject_id)
        response.headers["ETag"] = etag(enrolment.subject.version)
        return enrolment_out(enrolment, language_of(sending.request))


def _add_changes(router: APIRouter, galleries: GalleryService) -> None:
    @router.patch(
        SUBJECT,
        openapi_extra=json_body(PATCH_TYPES, {"name": NAME, "metadata": METADATA}),
        responses=problems(404, 408, 412, 413, 415, 507) | {200: {"headers": ETAG_HEADERS}},
    )
    def update_subject(
        caller: EnrollCaller,
        response: Response,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        seen: SeenVersion,
        sent: ReadPatch,
    ) -> SubjectOut:
        """Change name and metadata by a merge patch (RFC 7396): null removes."""
        fields = sent.values((), ("name", "metadata"))

        def change() -> Subject:
            present = galleries.subject(gallery, subject)
            version = present.version if seen is None else seen
            profile = patched(present.profile, fields)
            return galleries.update_subject(gallery, subject, profile, version, caller)

        found = change_latest(seen, change)
        response.headers["ETag"] = etag(found.version)
        return subject_out(found)

    @router.delete(SUBJECT, status_code=204, responses=problems(404, 412, 507))
    def delete_subject(
        caller: EnrollCaller,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        seen: SeenVersion,
    ) -> None:
        """Erase a subject and every trace of it."""
        galleries.remove_subject(gallery, subject, seen, caller)
