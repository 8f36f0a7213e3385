"""Endpoints that seek a face in a gallery, or compare it with one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from ood_face.api.addresses import GALLERY, SUBJECT, GalleryParameter, SubjectParameter
from ood_face.api.answers import (
    explanation_of,
    language_of,
    quality_of,
    reasons_of,
    scenario_of,
)
from ood_face.api.bodies import CALIBRATION, SCENARIO, fields_body
from ood_face.api.callers import IdentifyCaller
from ood_face.api.dumped import dumped
from ood_face.api.forms import ReadBody
from ood_face.api.openapi import problems
from ood_face.api.pictures import decode_field
from ood_face.api.room import needs_room
from ood_face.api.schemas import FaceQuality
from ood_face.api.search_schemas import CandidateOut, IdentifyResponse, VerifyResponse
from ood_face.messages import identity_name, verdict_name

if TYPE_CHECKING:
    from ood_face.api.bodies import Schema
    from ood_face.config import Settings
    from ood_face.messages import Language
    from ood_face.service import GalleryService
    from ood_face.types import Candidate, Identification, Verification

__all__ = ["add_searches"]

_POLICY = {"scenario": SCENARIO, "calibration": CALIBRATION}
_DEFAULT_TOP_K = 5
_TOP_K: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": 100,
    "default": _DEFAULT_TOP_K,
    "description": "At most so many candidates.",
    "examples": [5],
}


def add_searches(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    """Add the endpoints that search and verify."""
    _add_identify(router, galleries, settings)
    _add_verify(router, galleries, settings)


def _add_identify(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    @router.post(
        f"{GALLERY}:identify",
        dependencies=needs_room(galleries.places),
        openapi_extra=fields_body({}, {"top_k": _TOP_K} | _POLICY, picture="image"),
        responses=problems(404, 408, 409, 413, 415, 503),
    )
    @dumped
    def identify(
        caller: IdentifyCaller, request: Request, gallery: GalleryParameter, sent: ReadBody
    ) -> IdentifyResponse:
        """Seek the one face of a picture among all subjects of a gallery."""
        fields = sent.values(("image",), ("top_k", *_POLICY))
        asked, scenario = fields.number("top_k"), fields.text("scenario")
        top_k = _DEFAULT_TOP_K if asked is None else asked
        data = fields.picture("image")
        calibration = fields.text("calibration")
        with galleries.places.reserved():
            image = decode_field(request, "image", data, settings, galleries.work)
            found = galleries.identify(
                gallery, image, top_k, scenario, caller, calibration=calibration
            )
        language = language_of(request)
        return IdentifyResponse(
            verdict=found.verdict,
            verdict_name=identity_name(found.verdict, language),
            margin=found.margin,
            candidates=[_candidate(candidate) for candidate in found.candidates],
            **_told(found, language),
        )


def _add_verify(router: APIRouter, galleries: GalleryService, settings: Settings) -> None:
    @router.post(
        f"{SUBJECT}:verify",
        dependencies=needs_room(galleries.places),
        openapi_extra=fields_body({}, _POLICY, picture="image"),
        responses=problems(404, 408, 409, 413, 415, 503),
    )
    @dumped
    def verify(
        caller: IdentifyCaller,
        request: Request,
        gallery: GalleryParameter,
        subject: SubjectParameter,
        sent: ReadBody,
    ) -> VerifyResponse:
        """Say whether the one face of a picture is the subject it claims to be."""
        fields = sent.values(("image",), tuple(_POLICY))
        data = fields.picture("image")
        scenario, calibration = fields.text("scenario"), fields.text("calibration")
        with galleries.places.reserved():
            image = decode_field(request, "image", data, settings, galleries.work)
            found = galleries.verify(
                gallery, subject, image, scenario, caller, calibration=calibration
            )
        language = language_of(request)
        return VerifyResponse(
            verdict=found.verdict,
            verdict_name=verdict_name(found.verdict, language),
            candidate=_candidate(found.candidate),
            **_told(found, language),
        )


def _told(found: Identification | Verification, language: Language) -> dict[str, Any]:
    # what both answers say alike
    return {
        "model_id": found.probe.model_id,
        "gallery": found.gallery,
        "reasons": reasons_of(found.reasons, language),
        "explanation": explanation_of(found.explanation, language),
        "scenario": scenario_of(found.scenario),
        "calibration": found.calibration,
        "probe": FaceQuality(**quality_of(found.probe, language)),
    }


def _candidate(candidate: Candidate) -> CandidateOut:
    return CandidateOut(
        subject_id=candidate.subject_id,
        name=candidate.name,
        similarity=candidate.similarity,
        fused_similarity=candidate.fused_similarity,
        probability=candidate.probability,
        probability_interval=candidate.probability_interval,
        template_id=candidate.template_id,
        ood_score=candidate.ood_score,
    )
