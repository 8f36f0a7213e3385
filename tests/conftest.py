"""Fixtures that several kinds of tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.fakes import fake_service

if TYPE_CHECKING:
    from ood_face.service import FaceService


# how long an example takes says more of the machine than of the program
settings.register_profile("ood_face", deadline=None)
settings.load_profile("ood_face")


@pytest.fixture
def service() -> FaceService:
    """Return the real service over fake networks."""
    return fake_service()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the program says now as the new snapshot."""
    parser.addoption("--update-snapshots", action="store_true", help="rewrite snapshot files")
