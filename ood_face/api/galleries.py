"""Endpoints of galleries: list, make, look at, change, erase."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from ood_face.api.addresses import (
    GALLERIES,
    GALLERY,
    AfterParameter,
    GalleryParameter,
    LimitParameter,
    address,
    next_link,
)
from ood_face.api.bodies import CREATED_HEADERS, ETAG_HEADERS, LINK_HEADERS, fields_body, json_body
from ood_face.api.callers import AdminCaller, ReadCaller
from ood_face.api.conditional import IfNoneMatch, SeenVersion, change_latest, etag, unchanged
from ood_face.api.forms import Body, ReadBody, read_body
from ood_face.api.gallery_schemas import GalleriesPage, GalleryOut
from ood_face.api.idempotency import IdempotencyKey, mark_replayed, token_of
from ood_face.api.openapi import problems
from ood_face.service.galleries import DEFAULT_MAX_TEMPLATES

if TYPE_CHECKING:
    from ood_face.api.bodies import Schema
    from ood_face.api.values import Values
    from ood_face.service import GalleryService
    from ood_face.types import GalleryCounts, GalleryInfo

__all__ = ["PATCH_TYPES", "ReadPatch", "add_galleries"]

PATCH_TYPES = ("application/merge-patch+json", "application/json")
ReadPatch = Annotated[Body, Depends(read_body(*PATCH_TYPES))]

_NAME: Schema = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$",
    "examples": ["staff"],
}
_OPTIONS: dict[str, Schema] = {
    "scenario": {
        "type": "string",
        "default": "default",
        "description": "Thresholds that apply where a request names none.",
        "examples": ["gate"],
    },
    "calibration": {
        "type": ["string", "null"],
        "description": "One of those that the scenario offers, which applies where a request "
        "names none; null: the scenario's own choice.",
        "examples": ["none"],
    },
    "max_templates": {
        "type": "integer",
        "minimum": 1,
        "maximum": 20,
        "default": DEFAULT_MAX_TEMPLATES,
        "description": "The best so many templates of a subject are kept.",
        "examples": [5],
    },
    "keep_crops": {
        "type": "boolean",
        "default": False,
        "description": "Keep aligned faces, so that another model can embed them again.",
        "examples": [False],
    },
}


def add_galleries(router: APIRouter, galleries: GalleryService) -> None:
    """Add the endpoints of galleries."""
    _add_reads(router, galleries)
    _add_creation(router, galleries)
    _add_changes(router, galleries)


def _add_reads(router: APIRouter, galleries: GalleryService) -> None:
    @router.get(GALLERIES, responses={200: {"headers": LINK_HEADERS}})
    def list_galleries(
        _caller: ReadCaller,
        response: Response,
        limit: LimitParameter = 100,
        after: AfterParameter = None,
    ) -> GalleriesPage:
        """List galleries by name, a page at a time."""
        found = [_out(*each) for each in galleries.page_of_galleries(after, limit)]
        last = found[-1].name if len(found) == limit else None
        if last is not None:
            response.headers["Link"] = next_link(GALLERIES, limit, last)
        return GalleriesPage(galleries=found, next=last)

    @router.get(
        GALLERY,
        response_model=GalleryOut,
        responses=problems(404)
        | {200: {"headers": ETAG_HEADERS}, 304: {"description": "As the caller has it."}},
    )
    def get_gallery(
        _caller: ReadCaller,
        response: Response,
        gallery: GalleryParameter,
        if_none_match: IfNoneMatch = None,
    ) -> GalleryOut | Response:
        """Return one gallery, and how much is in it."""
        opened = galleries.open(gallery)
        found = _told(response, opened.info, opened.counts())
        return unchanged(if_none_match, response.headers["ETag"]) or found


def _add_creation(router: APIRouter, galleries: GalleryService) -> None:
    # one after the other, so that a key that comes twice at once makes one gallery
    making = threading.Lock()

    @router.post(
        GALLERIES,
        status_code=201,
        openapi_extra=fields_body({"name": _NAME}, _OPTIONS),
        responses=problems(404, 408, 409, 413, 415, 507) | {201: {"headers": CREATED_HEADERS}},
    )
    def create_gallery(
        caller: AdminCaller,
        request: Request,
        response: Response,
        sent: ReadBody,
        key: IdempotencyKey,
    ) -> GalleryOut:
        """Make a gallery for templates of the service's model."""
        fields = sent.values(("name",), tuple(_OPTIONS))
        asked = {"name": fields.text("name") or "", **_options(fields)}
        if asked["calibration"] is None:
            # keys of requests from before there was this field still fit
            del asked["calibration"]
        token = token_of(request, caller, key, asked)
        with making:
            info = None if token is None else galleries.gallery_made_by(token)
            if info is None:
                info = galleries.create_gallery(**_given(asked), token=token, caller=caller)
            else:
                mark_replayed(response)
        response.headers["Location"] = address(info.name)
        return _told(response, info, galleries.open(info.name).counts())


def _add_changes(router: APIRouter, galleries: GalleryService) -> None:
    @router.patch(
        GALLERY,
        openapi_extra=json_body(PATCH_TYPES, _OPTIONS),
        responses=problems(404, 408, 412, 413, 415, 507) | {200: {"headers": ETAG_HEADERS}},
    )
    def update_gallery(
        caller: AdminCaller,
        response: Response,
        gallery: GalleryParameter,
        seen: SeenVersion,
        sent: ReadPatch,
    ) -> GalleryOut:
        """Change what is sent, and nothing else.

        Fewer `max_templates` remove nothing now; they count when templates are added. With
        `keep_crops` switched off, the faces that were kept are erased.
        """
        fields = sent.values((), tuple(_OPTIONS))
        fields.refuse_null(but=("calibration",))
        given = _given(_options(fields))
        if "calibration" in fields:
            given["calibration"] = fields.text("calibration")

        def change() -> GalleryInfo:
            info = galleries.open(gallery).info
            version = info.version if seen is None else seen
            return galleries.update_gallery(replace(info, **given), version, caller)

        info = change_latest(seen, change)
        return _told(response, info, galleries.open(gallery).counts())

    @router.delete(GALLERY, status_code=204, responses=problems(404, 412, 507))
    def delete_gallery(caller: AdminCaller, gallery: GalleryParameter, seen: SeenVersion) -> None:
        """Erase a gallery with all its subjects."""
        galleries.delete_gallery(gallery, seen, caller)


def _options(fields: Values) -> dict[str, Any]:
    # what may be said of a gallery, None where it was not
    return {
        "scenario": fields.text("scenario"),
        "calibration": fields.text("calibration"),
        "max_templates": fields.number("max_templates"),
        "keep_crops": fields.flag("keep_crops"),
    }


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _told(response: Response, info: GalleryInfo, counts: GalleryCounts) -> GalleryOut:
    found = _out(info, counts)
    response.headers["ETag"] = etag(found.version, found.subjects, found.templates)
    return found


def _out(info: GalleryInfo, counts: GalleryCounts) -> GalleryOut:
    return GalleryOut(
        name=info.name,
        model_id=info.model_id,
        scenario=info.scenario,
        calibration=info.calibration,
        max_templates=info.max_templates,
        keep_crops=info.keep_crops,
        created_at=info.created_at,
        version=info.version,
        subjects=counts.subjects,
        templates=counts.templates,
    )
