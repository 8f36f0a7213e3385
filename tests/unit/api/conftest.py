from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ood_face.service import FaceService


@pytest.fixture
def settings() -> Settings:
    # small limits, so that small bodies reach them
    return Settings(max_image_bytes=200_000, max_image_pixels=1_000_000)


@pytest.fixture
def client_of(settings) -> Callable[[FaceService], TestClient]:
    """Return a client of the API over a service; defects answer 500 and are not raised."""
    return lambda service: TestClient(create_app(service, settings), raise_server_exceptions=False)


@pytest.fixture
def client(client_of, service) -> Iterator[TestClient]:
    with client_of(service) as client:
        yield client
