"""The endpoints; they translate and compute nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request

import ood_face
from ood_face.api.answers import (
    explanation_of,
    feature_of,
    language_of,
    quality_of,
    reasons_of,
    scenario_of,
)
from ood_face.api.auth import require
from ood_face.api.dumped import dumped
from ood_face.api.explanation_schemas import UncertaintyOut
from ood_face.api.forms import ReadBody
from ood_face.api.openapi import body, problems
from ood_face.api.pictures import decode_field
from ood_face.api.room import needs_room
from ood_face.api.schemas import (
    ComparedFace,
    CompareResponse,
    ExtractResponse,
    Face,
    Health,
    ModelResponse,
    Ready,
    ScenariosResponse,
)
from ood_face.errors import NoFaceError
from ood_face.messages import verdict_name
from ood_face.types import FEATURE_DIM
from ood_face.uncertainty import DEFAULT_PASSES, MAX_PASSES, MIN_PASSES, UncertaintyMethod

if TYPE_CHECKING:
    from ood_face.api.health import Readiness
    from ood_face.config import Settings
    from ood_face.service import FaceService
    from ood_face.types import FaceTemplate

__all__ = ["make_router"]


def make_router(service: FaceService, settings: Settings, readiness: Readiness) -> APIRouter:
    """Return all endpoints over a service.

    Parameters
    ----------
    service : what does the work
    settings : the limits on pictures
    readiness : tests the service
    """
    router = APIRouter(responses=problems(422, 500))
    # any key will do: nothing here reads or changes what is stored
    with_key = APIRouter(dependencies=[Depends(require(None))], responses=problems(401, 403, 429))
    _add_extract(with_key, service, settings)
    _add_compare(with_key, service, settings)
    _add_about(with_key, service, settings)
    router.include_router(with_key)
    _add_health(router, service, readiness)
    return router


def _add_extract(router: APIRouter, service: FaceService, settings: Settings) -> None:
    @router.post(
        "/v1/extract",
        dependencies=needs_room(service.places),
        tags=["faces"],
        openapi_extra=body("image"),
        responses=problems(408, 413, 415, 503),
    )
    @dumped
    def extract(
        request: Request,
        sent: ReadBody,
        allow_empty: Annotated[
            bool, Query(description="Answer 200 and no faces, not 422, where there is none.")
        ] = False,
        uncertainty: Annotated[
            UncertaintyMethod | None,
            Query(description="mc: estimate how sure the model is, by Monte Carlo dropout."),
        ] = None,
        passes: Annotated[
            int,
            Query(
                ge=MIN_PASSES,
                le=MAX_PASSES,
                description="Monte Carlo passes; used with uncertainty=mc alone.",
            ),
        ] = DEFAULT_PASSES,
    ) -> ExtractResponse:
        """Find all faces of a picture and return feature and quality of each, largest first."""
        data = sent.fields(("image",)).pictures["image"]
        with service.places.reserved():
            image = decode_field(request, "image", data, settings, service.work)
            templates = service.extract(image, uncertainty, passes)
        if not templates and not allow_empty:
            height, width = image.shape[:2]
            raise NoFaceError.in_picture(width, height)
        language = language_of(request)
        return ExtractResponse(
            model_id=service.model_id,
            faces=[
                Face(
                    **quality_of(template, language),
                    feature=feature_of(template),
                    uncertainty=_uncertainty(template),
                )
                for template in templates
            ],
        )


def _add_compare(router: APIRouter, service: FaceService, settings: Settings) -> None:
    @router.post(
        "/v1/compare",
        dependencies=needs_room(service.places),
        tags=["faces"],
        openapi_extra=body(
            "image_a",
            "image_b",
            scenario="Name of the thresholds to apply.",
            calibration="One that the scenario offers; left out: the scenario's own choice.",
        ),
        responses=problems(404, 408, 413, 415, 503),
    )
    @dumped
    def compare(
        request: Request,
        sent: ReadBody,
        include_features: Annotated[
            bool, Query(description="Return the two features as well.")
        ] = False,
    ) -> CompareResponse:
        """Compare the face of one picture with the face of another."""
        fields = sent.fields(("image_a", "image_b"), ("scenario", "calibration"))
        scenario, calibration = (fields.texts.get(name) for name in ("scenario", "calibration"))
        with service.places.reserved():
            image_a, image_b = (
                decode_field(request, *item, settings, service.work)
                for item in fields.pictures.items()
            )
            compared = service.compare(
                image_a, image_b, "default" if scenario is None else scenario, calibration
            )
        language = language_of(request)
        face_a, face_b = (
            ComparedFace(
                **quality_of(template, language),
                feature=feature_of(template) if include_features else None,
            )
            for template in (compared.template_a, compared.template_b)
        )
        return CompareResponse(
            model_id=service.model_id,
            similarity=compared.similarity,
            probability=compared.probability,
            probability_interval=compared.probability_interval,
            verdict=compared.verdict,
            verdict_name=verdict_name(compared.verdict, language),
            reasons=reasons_of(compared.reasons, language),
            explanation=explanation_of(compared.explanation, language),
            scenario=scenario_of(compared.scenario),
            calibration=compared.calibration,
            face_a=face_a,
            face_b=face_b,
        )


def _add_about(router: APIRouter, service: FaceService, settings: Settings) -> None:
    @router.get("/v1/scenarios", tags=["about"])
    def scenarios() -> ScenariosResponse:
        """Return the scenarios and their thresholds."""
        return ScenariosResponse(
            scenarios=[scenario_of(item) for item in service.scenarios.values()]
        )

    @router.get("/v1/model", tags=["about"])
    def model() -> ModelResponse:
        """Return what makes the features, and the limits on pictures."""
        return ModelResponse(
            model_id=service.model_id,
            quality_score=service.quality_score,
            feature_dim=FEATURE_DIM,
            version=ood_face.__version__,
            max_image_bytes=settings.max_image_bytes,
            max_image_pixels=settings.max_image_pixels,
        )


def _add_health(router: APIRouter, service: FaceService, readiness: Readiness) -> None:
    # both on the event loop: they answer also when all threads are at work or wait
    @router.get("/healthz", tags=["health"])
    async def healthz() -> Health:
        """Say that the process is alive."""
        return Health(status="ok")

    @router.get("/readyz", tags=["health"], responses=problems(503))
    async def readyz() -> Ready:
        """Run the model, and say that it works."""
        await readiness.check()
        return Ready(status="ready", model_id=service.model_id, quality_score=service.quality_score)


def _uncertainty(template: FaceTemplate) -> UncertaintyOut | None:
    found = template.uncertainty
    return None if found is None else UncertaintyOut(**asdict(found))
