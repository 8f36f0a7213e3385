"""Hand-written stand-ins for the ports, and pictures they understand."""

from tests.fakes.admission import CountingAdmission, FullAdmission
from tests.fakes.detector import FakeDetector
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.pictures import PNG_SIGNATURE, picture, png, write_people
from tests.fakes.service import fake_align, fake_gallery_service, fake_service

__all__ = [
    "PNG_SIGNATURE",
    "CountingAdmission",
    "FakeDetector",
    "FakeEmbedder",
    "FullAdmission",
    "fake_align",
    "fake_gallery_service",
    "fake_service",
    "picture",
    "png",
    "write_people",
]
