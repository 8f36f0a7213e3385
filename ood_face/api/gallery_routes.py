"""All endpoints of galleries as one router."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from ood_face.api.batches import add_batches
from ood_face.api.galleries import add_galleries
from ood_face.api.openapi import problems
from ood_face.api.searches import add_searches
from ood_face.api.subjects import add_subjects
from ood_face.api.templates import add_templates

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.service import FaceService, GalleryService

__all__ = ["make_gallery_router"]


def make_gallery_router(
    service: FaceService, galleries: GalleryService, settings: Settings
) -> APIRouter:
    """Return the endpoints of galleries.

    Parameters
    ----------
    service : knows the scenarios
    galleries : what does the work
    settings : the limits on pictures and batches
    """
    router = APIRouter(tags=["galleries"], responses=problems(401, 403, 422, 429, 500, 503))
    add_galleries(router, galleries)
    add_subjects(router, galleries, settings)
    add_templates(router, galleries, settings)
    add_searches(router, galleries, settings)
    add_batches(router, service, galleries, settings)
    return router
