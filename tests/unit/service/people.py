"""Pictures of a few people, and a gallery service that knows them, over the fakes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ood_face.service import GalleryService
from ood_face.types import EnrolmentRequest, Picture
from tests.fakes import FakeEmbedder, fake_service, picture
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore

if TYPE_CHECKING:
    from ood_face.ports import Embedder, GalleryStore
    from ood_face.types import RgbImage

# all of the same brightness, hence of the same score, 0.67; features follow the colour
ANN = (250, 130, 130)
BEN = (130, 250, 130)
CAT = (130, 130, 250)
GALLERY = "staff"


def photo(colour: tuple[int, int, int], width_px: int = 48) -> Picture:
    """Return a picture of one person; another width is another picture of the same face."""
    image = picture(width_px, colour=colour)
    return Picture(image, hashlib.sha256(image.tobytes()).hexdigest())


def dim(colour: tuple[int, int, int], share: float = 0.6) -> Picture:
    """Return a dark picture of one person: its score is the share of 0.67."""
    red, green, blue = (int(share * value) for value in colour)
    return photo((red, green, blue))


def image_of(colour: tuple[int, int, int]) -> RgbImage:
    return photo(colour).image


def ask(subject_id: str, *pictures: Picture, **options: object) -> EnrolmentRequest:
    return EnrolmentRequest(subject_id, pictures, **options)


def gallery_service(
    store: GalleryStore | None = None,
    audit: RecordingAudit | None = None,
    embedder: Embedder | None = None,
    **gallery: object,
) -> GalleryService:
    """Return a service with one empty gallery."""
    service = GalleryService(
        fake_service(embedder=FakeEmbedder() if embedder is None else embedder),
        FakeGalleryStore() if store is None else store,
        RecordingAudit() if audit is None else audit,
    )
    service.create_gallery(GALLERY, **gallery)
    return service
