"""What the skins call: ``FaceService`` for pictures, ``GalleryService`` for who is enrolled."""

from __future__ import annotations

from ood_face.service.faces import FaceService, Which
from ood_face.service.galleries import GalleryService

__all__ = ["FaceService", "GalleryService", "Which"]
