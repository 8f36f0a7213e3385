"""Decisions through the service: what dropout adds to them, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ood_face.errors import ConfigError
from ood_face.service import FaceService
from ood_face.types import QualityScore, SameModel, UncertaintySource
from tests.fakes import FakeEmbedder, fake_gallery_service, fake_service, picture
from tests.unit.service.people import ANN, BEN, GALLERY, ask, photo

MODEL, GALLERY_PART = UncertaintySource.MODEL, UncertaintySource.GALLERY
SAME = SameModel("fake-1", np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))
LIGHT, DIM = picture(40, colour=(200, 160, 120)), picture(40, colour=(120, 160, 110))


@pytest.fixture
def scenarios(tmp_path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text('[thorough]\ndropout_passes = 12\n[bare]\ncalibration = "none"\n', "utf-8")
    return path


@pytest.fixture
def service(scenarios) -> FaceService:
    return fake_service(scenarios_file=scenarios, same_model=SAME)


def test_the_model_has_a_part_only_where_the_scenario_asks(service):
    plain = service.compare(LIGHT, DIM).explanation
    assert (plain.part(MODEL), plain.model) == (None, None)
    asked = service.compare(LIGHT, DIM, "thorough").explanation
    assert asked.model.passes == 12
    low, high = asked.model.probability_range
    assert asked.part(MODEL).amount == pytest.approx(high - low)
    assert asked.model.similarity_spread > 0


def test_dropout_leaves_the_comparison_as_it_is(service):
    plain, asked = service.compare(LIGHT, DIM), service.compare(LIGHT, DIM, "thorough")
    assert (asked.similarity, asked.probability) == (plain.similarity, plain.probability)
    assert (asked.verdict, asked.reasons) == (plain.verdict, plain.reasons)
    for one, other in (
        (plain.template_a, asked.template_a),
        (plain.template_b, asked.template_b),
    ):
        np.testing.assert_array_equal(one.feature, other.feature)
        assert (one.ood_score, one.rts_variance) == (other.ood_score, other.rts_variance)
        assert (one.passes, len(other.passes)) == (None, 12)


def test_the_same_pictures_give_the_same_passes(service):
    first, again = (service.compare(LIGHT, DIM, "thorough").explanation for _ in range(2))
    assert first == again
    back = service.compare(DIM, LIGHT, "thorough").explanation
    assert back.model.unknown_bits == pytest.approx(first.model.unknown_bits)
    assert back.main is first.main


def test_without_a_calibration_the_similarities_tell(service):
    found = service.compare(LIGHT, DIM, "bare").explanation
    assert found.part(UncertaintySource.CALIBRATION).reason.key == "explanation.calibration_none"


def test_searches_and_verifications_are_explained(service):
    galleries = fake_gallery_service(service)
    galleries.create_gallery(GALLERY)
    for name, colour in (("ann", ANN), ("ben", BEN)):
        galleries.enroll(GALLERY, ask(name, photo(colour)))
    probe = photo(ANN, 70).image
    plain = galleries.identify(GALLERY, probe)
    found = galleries.identify(GALLERY, probe, scenario="thorough")
    assert plain.candidates == found.candidates
    low, high = found.candidates[0].probability_interval
    assert low <= found.candidates[0].probability <= high
    explained = found.explanation
    assert [part.source for part in explained.parts] == list(UncertaintySource)
    assert plain.explanation.part(MODEL) is None
    margin = explained.part(GALLERY_PART).reason.values["margin"]
    assert margin == found.margin
    verified = galleries.verify(GALLERY, "ann", probe, "thorough")
    assert verified.explanation.model.passes == 12
    assert verified.explanation.part(GALLERY_PART) is None
    assert verified.candidate.probability_interval is not None
    top = galleries.identify(GALLERY, probe, top_k=1, scenario="thorough")
    assert top.explanation == explained


def test_an_empty_gallery_is_explained(service):
    galleries = fake_gallery_service(service)
    galleries.create_gallery(GALLERY)
    found = galleries.identify(GALLERY, photo(ANN).image, scenario="thorough").explanation
    assert found.part(GALLERY_PART).reason.key == "explanation.gallery_empty"
    assert found.model is None


def test_a_model_without_dropout_refuses_the_scenario_at_the_start(scenarios):
    unscored = FakeEmbedder(quality_score=QualityScore.NONE)
    with pytest.raises(ConfigError, match=r"thorough asks for 12 passes .* fake-1 cannot run"):
        fake_service(embedder=unscored, scenarios_file=scenarios)


def test_a_model_without_scores_says_that_nobody_knows():
    service = fake_service(embedder=FakeEmbedder(quality_score=QualityScore.NONE))
    found = service.compare(LIGHT, DIM).explanation
    assert [part.level for part in found.parts] == ["unknown", "unknown"]
    assert found.main is UncertaintySource.PICTURE
    assert found.probability_of_error is None
