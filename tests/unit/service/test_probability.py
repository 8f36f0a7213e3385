"""P(same) on its way through the service and the API."""

from __future__ import annotations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.errors import CalibrationMissingError
from ood_face.service import FaceService
from ood_face.types import SameModel
from tests.fakes import fake_gallery_service, fake_service, picture, png
from tests.unit.service.people import ANN, BEN, GALLERY, ask, photo

WEIGHTS = np.array([2.0, -5.0, 33.0])


def same_model(model_id: str = "fake-1") -> SameModel:
    return SameModel(model_id, WEIGHTS, 0.01 * np.eye(3), (-8.0, 9.0))


@pytest.fixture
def service() -> FaceService:
    return fake_service(same_model=same_model())


def test_the_p_same_of_another_model_is_refused():
    with pytest.raises(CalibrationMissingError, match="of model other-1 says"):
        fake_service(same_model=same_model("other-1"))


def test_a_comparison_says_how_probable_it_is(service):
    found = service.compare(picture(40), picture(60))
    scores = found.template_a.ood_score, found.template_b.ood_score
    expected = same_model().probability(found.similarity, *scores, 0.5)
    assert found.probability == pytest.approx(expected.value)
    assert found.probability_interval == pytest.approx((expected.low, expected.high))
    a, b = service.extract_one(picture(40))[0], service.extract_one(picture(60))[0]
    assert service.compare_templates(a, b).probability == found.probability


def test_the_api_says_it_too(service):
    files = {
        "image_a": ("a.png", png(picture(40)), "image/png"),
        "image_b": ("b.png", png(picture(40)), "image/png"),
    }
    with TestClient(create_app(Served(service, Settings()))) as client:
        body = client.post("/v1/compare", files=files).json()
    low, high = body["probability_interval"]
    assert low <= body["probability"] <= high
    assert body["probability"] > 0.99


def test_candidates_of_a_search_have_their_probabilities(service):
    galleries = fake_gallery_service(service)
    galleries.create_gallery(GALLERY)
    galleries.enroll(GALLERY, ask("ann", photo(ANN)))
    galleries.enroll(GALLERY, ask("ben", photo(BEN)))
    first, second = galleries.identify(GALLERY, photo(ANN, 70).image).candidates
    assert first.probability + second.probability < 1
    assert first.probability > 0.9 > second.probability
    verified = galleries.verify(GALLERY, "ann", photo(ANN, 70).image)
    # of one who is claimed, the prior is not shared with the others
    assert verified.candidate.probability > first.probability
    assert galleries.verify(GALLERY, "ben", photo(ANN, 70).image).candidate.probability < 0.5
