from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_gallery_service
from tests.fakes.audit import RecordingAudit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ood_face.service import FaceService, GalleryService


@pytest.fixture
def settings() -> Settings:
    # small limits, so that small bodies reach them
    return Settings(max_image_bytes=200_000, max_image_pixels=1_000_000)


@pytest.fixture
def client_of(settings) -> Callable[[FaceService], TestClient]:
    """Return a client of the API over a service; defects answer 500 and are not raised."""
    return lambda service: TestClient(
        create_app(Served(service, settings)), raise_server_exceptions=False
    )


@pytest.fixture
def client(client_of, service) -> Iterator[TestClient]:
    with client_of(service) as client:
        yield client


@pytest.fixture
def audit() -> RecordingAudit:
    return RecordingAudit()


@pytest.fixture
def galleries(service, audit) -> GalleryService:
    """Return galleries in memory, among them one that is empty."""
    galleries = fake_gallery_service(service, audit=audit)
    galleries.create_gallery("staff")
    return galleries


@pytest.fixture
def gallery_client_of(service, settings) -> Callable[..., TestClient]:
    """Return a client of an API with galleries, and over the service given or the common one."""

    def make(galleries: GalleryService, faces: FaceService = service) -> TestClient:
        app = create_app(Served(faces, settings, galleries=galleries))
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.fixture
def gallery_client(gallery_client_of, galleries) -> Iterator[TestClient]:
    with gallery_client_of(galleries) as client:
        yield client
