"""Endpoints of a subject's templates: list, add, look at, erase; and their aligned faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from ood_face.api.addresses import (
    TEMPLATE,
    TEMPLATES,
    GalleryParameter,
    SubjectParameter,
    TemplateParameter,
    address,
)
from ood_face.api.answers import language_of
from ood_face.api.bodies import CREATED_HEADERS, FORCE, SCENARIO, fields_body
from ood_face.api.callers import AdminCaller, EnrollCaller, ReadCaller
from ood_face.api.conditional import SeenVersion, etag
from ood_face.api.enrolments import enrolment_out, template_out
from ood_face.api.errors import RequestFormError
from ood_face.api.gallery_schemas import EnrolmentResponse, TemplateOut, TemplatesResponse
from ood_face.api.idempotency import EnrollSending, mark_replayed
from ood_face.api.openapi import problems
from ood_face.api.pictures import about_pictures, decode_all
from ood_face.api.subjects import ReadPictures, hashes
from ood_face.imaging import encode_png
from ood_face.types import EnrolmentRequest, EnrolmentStatus

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.service import GalleryService
    from ood_face.types import Enrolment

__all__ = ["add_templates"]

_PNG = {"image/png": {"schema": {"type": "string", "format": "binary"}}}


def add_templates(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    """Add the endpoints of templates."""
    _add_reads(router, galleries)
    _add_enrolment(router, galleries, settings)

    @router.delete(TEMPLATE, status_code=204, responses=problems(404, 412, 507))
    def delete_template(
        caller: EnrollCaller,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        template: TemplateParameter,
        seen: SeenVersion,
    ) -> None:
        """Erase one template; the subject stays. If-Match takes the subject's ETag."""
        galleries.remove_template(gallery, subject, template, seen, caller)


def _add_reads(router: APIRouter, galleries: GalleryService) -> None:
    @router.get(TEMPLATES, responses=problems(404))
    def list_templates(
        _caller: ReadCaller, gallery: GalleryParameter, subject: SubjectParameter
    ) -> TemplatesResponse:
        """List all templates of a subject, oldest first."""
        found = galleries.subject(gallery, subject)
        return TemplatesResponse(templates=[template_out(record) for record in found.templates])

    @router.get(TEMPLATE, responses=problems(404))
    def get_template(
        _caller: ReadCaller,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        template: TemplateParameter,
    ) -> TemplateOut:
        """Return one template."""
        return template_out(galleries.template(gallery, subject, template))

    @router.get(
        f"{TEMPLATE}/crop",
        response_class=Response,
        responses=problems(404) | {200: {"content": _PNG, "description": "112x112 pixels."}},
    )
    def get_crop(
        caller: AdminCaller,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        template: TemplateParameter,
    ) -> Response:
        """Return the aligned face of a template as PNG, where the gallery keeps them."""
        crop = galleries.crop(gallery, subject, template, caller)
        return Response(encode_png(crop), media_type="image/png")


def _add_enrolment(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    @router.post(
        TEMPLATES,
        status_code=201,
        response_model=EnrolmentResponse,
        openapi_extra=fields_body({}, {"force": FORCE, "scenario": SCENARIO}, pictures="image"),
        responses=problems(404, 408, 409, 412, 413, 415, 503, 507)
        | {
            200: {"model": EnrolmentResponse, "description": "No template had to be added."},
            201: {"headers": CREATED_HEADERS},
        },
    )
    def add_pictures(
        sending: EnrollSending,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        seen: SeenVersion,
        sent: ReadPictures,
    ) -> EnrolmentResponse:
        """Add pictures to a subject, all of them or none; its best templates are kept.

        If-Match takes the subject's ETag. A picture that is enrolled already changes nothing.
        """
        fields = sent.values((), ("force", "scenario"), ("image",))
        pictures = fields.pictures("image")
        if not pictures:
            raise RequestFormError(
                "request.no_picture", "the request must bring at least one picture as image"
            )
        force, scenario = fields.flag("force") or False, fields.text("scenario")
        asked = {"force": force, "scenario": scenario, "image": hashes(pictures)}
        with about_pictures(sending.request, "image", len(pictures)), galleries.places.reserved():
            wanted = EnrolmentRequest(
                subject_id=subject,
                pictures=decode_all(pictures, settings, galleries.work),
                expect="known",
                force=force,
                scenario=scenario,
                token=sending.token(asked),
                if_version=seen,
            )
            enrolment = galleries.enroll(gallery, wanted, sending.caller)
        response = sending.response
        if enrolment.replayed:
            mark_replayed(response)
        added = _added(enrolment)
        if not (added or enrolment.replayed):
            response.status_code = 200
        where = address(gallery, subject, added[0] if len(added) == 1 else None)
        response.headers["Location"] = where if len(added) == 1 else f"{where}/templates"
        response.headers["ETag"] = etag(enrolment.subject.version)
        return enrolment_out(enrolment, language_of(sending.request))


def _added(enrolment: Enrolment) -> list[int]:
    return [
        picture.template.template_id
        for picture in enrolment.pictures
        if picture.status is EnrolmentStatus.ENROLLED and picture.template is not None
    ]
