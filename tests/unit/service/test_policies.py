"""Which calibration applies: the request's, the gallery's or the scenario's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ood_face.errors import InputError
from tests.fakes import fake_gallery_service, picture
from tests.unit.service.chosen import CALIBRATIONS, MODEL, POLICIES, SCENARIOS, service_of
from tests.unit.service.people import ANN, GALLERY, ask, photo


@pytest.mark.parametrize(
    ("scenario", "asked", "of_gallery", "expected"),
    [
        ("gate", None, None, "day"),
        ("gate", None, "night", "night"),
        ("gate", "model", "night", "model"),
        ("gate", "none", "night", None),
        ("gate", None, "none", None),
        ("gate", "day", "none", "day"),
        ("default", None, None, "model"),
        ("default", "none", None, None),
        ("bare", None, None, None),
        ("bare", "night", None, "night"),
    ],
)
def test_the_request_comes_before_the_gallery_and_that_before_the_scenario(
    scenario, asked, of_gallery, expected
):
    found = POLICIES.applied(scenario, asked, of_gallery)
    assert (found.scenario, found.calibration) == (SCENARIOS[scenario], expected)
    made = {"model": MODEL, None: None, **CALIBRATIONS}
    assert found.estimator is made[expected]


@pytest.mark.parametrize("name", ["nightly", "", "NIGHT", "day ", "../day", "x" * 500])
def test_what_the_scenario_does_not_offer_is_refused_with_what_it_offers(name):
    with pytest.raises(InputError, match="it offers: day, night, model, none") as caught:
        POLICIES.applied("gate", name)
    assert caught.value.key == "calibration.not_offered"


def test_a_calibration_of_another_scenario_is_not_offered():
    with pytest.raises(InputError, match="it offers: model, none"):
        POLICIES.applied("default", "day")


def test_what_the_gallery_asks_for_is_refused_where_the_scenario_lacks_it():
    with pytest.raises(InputError, match="it offers: model, none; name one of these") as caught:
        POLICIES.applied("default", None, "night")
    assert caught.value.key == "calibration.of_gallery"
    assert POLICIES.applied("default", "model", "night").calibration == "model"


def test_a_model_without_p_same_offers_none_of_its_own():
    bare = replace(POLICIES, same_model=None)
    with pytest.raises(InputError, match="it offers: day, night, none"):
        bare.applied("gate", "model")
    assert bare.applied("default").calibration is None


def test_a_comparison_says_which_calibration_was_in_force():
    service, face = service_of(), picture(48)
    found = service.compare(face, face, "gate", "night")
    assert (found.probability, found.calibration) == (pytest.approx(0.999), "night")
    found = service.compare(face, face, "gate")
    assert (found.probability, found.calibration) == (pytest.approx(0.6), "day")
    found = service.compare(face, face, "gate", "none")
    assert (found.probability, found.calibration, found.verdict) == (None, None, "same")
    with pytest.raises(InputError, match="it offers"):
        service.compare(face, face, "gate", "other")


def test_where_probability_decides_and_there_is_none_a_person_decides():
    service, face = service_of(), picture(48)
    assert service.compare(face, face, "strict", "night").verdict == "same"
    found = service.compare(face, face, "strict", "none")
    assert (found.verdict, found.reasons[0].key) == ("review", "probability.none")


def test_a_gallery_chooses_for_its_searches_and_a_request_otherwise():
    galleries = fake_gallery_service(service_of())
    galleries.create_gallery(GALLERY, scenario="gate", calibration="night")
    galleries.enroll(GALLERY, ask("ann", photo(ANN)))
    seen = picture(60, colour=ANN)
    found = galleries.verify(GALLERY, "ann", seen)
    assert (found.calibration, found.candidate.probability) == ("night", pytest.approx(0.999))
    found = galleries.verify(GALLERY, "ann", seen, calibration="day")
    assert (found.calibration, found.candidate.probability) == ("day", pytest.approx(0.6))
    assert galleries.identify(GALLERY, seen).calibration == "night"
    found = galleries.identify(GALLERY, seen, calibration="none")
    assert (found.calibration, found.candidates[0].probability) == (None, None)
    with pytest.raises(InputError, match="asks for the calibration 'night'"):
        galleries.identify(GALLERY, seen, scenario="default")


def test_a_gallery_can_only_choose_what_its_scenario_offers():
    galleries = fake_gallery_service(service_of())
    with pytest.raises(InputError, match="offers no calibration 'night'"):
        galleries.create_gallery(GALLERY, scenario="default", calibration="night")
    made = galleries.create_gallery(GALLERY, scenario="gate", calibration="night")
    with pytest.raises(InputError, match="offers no calibration 'night'"):
        galleries.update_gallery(replace(made, scenario="default"))
    changed = galleries.update_gallery(replace(made, scenario="default", calibration=None))
    assert (changed.scenario, changed.calibration) == ("default", None)
