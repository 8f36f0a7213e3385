"""Which thresholds and which calibration apply, and changing them under way."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from ood_face.errors import (
    CalibrationMissingError,
    ConfigError,
    InputError,
    StorageError,
    UnknownScenarioError,
)
from ood_face.matching.probability import CalibratedSimilarity
from ood_face.service import FaceService, Policies, PolicyService
from ood_face.types import Caller, Policy, SameModel, Scenario
from tests.fakes import (
    CountingAdmission,
    FakeDetector,
    FakeEmbedder,
    fake_align,
    fake_gallery_service,
    picture,
)
from tests.fakes.audit import RecordingAudit
from tests.unit.service.people import ANN, GALLERY, ask, photo

MODEL = SameModel("fake-1", np.array([2.0, -5.0, 33.0]), 0.01 * np.eye(3), (-8.0, 9.0))
OPERATOR = Caller("operator")


def always(probability: float) -> CalibratedSimilarity:
    return CalibratedSimilarity(lambda values: np.full(np.shape(values), probability), prior=0.5)


GATE = Scenario("gate", calibration="day", calibration_configs=("night", "model"))
SCENARIOS = {
    "default": Scenario("default"),
    "gate": GATE,
    "bare": Scenario("bare", calibration="none", calibration_configs=("night",)),
    "strict": replace(GATE, name="strict", policy=Policy.PROBABILITY),
}
CALIBRATIONS = {"day": always(0.6), "night": always(0.999)}
POLICIES = Policies(SCENARIOS, MODEL, CALIBRATIONS)


def service_of(policies: Policies = POLICIES) -> FaceService:
    return FaceService(
        FakeDetector(),
        FakeEmbedder(),
        policies,
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )


class Files:
    """Policies to be read; see :class:`ood_face.service.PolicySource`."""

    def __init__(self, *found: Policies | Exception, noting: Exception | None = None) -> None:
        self.found = list(found)
        self.noting = noting
        self.added: list[Scenario | None] = []
        self.saved: list[Scenario] = []
        self.noted: list[Policies] = []

    def read(self, added: Scenario | None = None) -> Policies:
        self.added.append(added)
        found = self.found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def save(self, scenario: Scenario) -> str:
        self.saved.append(scenario)
        return "scenarios.toml"

    def note(self, policies: Policies) -> None:
        if self.noting is not None:
            raise self.noting
        self.noted.append(policies)


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


def test_a_reload_puts_what_was_read_in_force_and_is_audited():
    after = Policies({"default": Scenario("default", same_above=0.9)})
    service, files, audit = service_of(), Files(after), RecordingAudit()
    policies = PolicyService(service, files, audit)
    assert policies.current() is POLICIES
    assert policies.reload(OPERATOR) is after
    assert (policies.current(), files.noted) == (after, [after])
    assert service.compare(picture(48), picture(48)).scenario.same_above == 0.9
    with pytest.raises(UnknownScenarioError):
        service.compare(picture(48), picture(48), "gate")
    [(caller, event)] = audit.noted
    assert (caller, event.action, event.outcome) == (OPERATOR, "reload_policies", "reloaded")
    assert event.values == {"scenarios": 1, "calibrations": 0}


OF_ANOTHER_MODEL = SameModel("other-1", np.array([2.0, -5.0, 33.0]), np.eye(3), (-8.0, 9.0))


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (ConfigError("scenarios.not_toml", "x"), "scenarios.not_toml"),
        (CalibrationMissingError("scaling.unknown", "x"), "scaling.unknown"),
        (Policies(SCENARIOS, OF_ANOTHER_MODEL, CALIBRATIONS), "probability.not_of_model"),
    ],
)
def test_after_a_reload_that_fails_all_is_as_it_was(found, key):
    service, audit = service_of(), RecordingAudit()
    policies = PolicyService(service, Files(found), audit)
    with pytest.raises((ConfigError, CalibrationMissingError)):
        policies.reload(OPERATOR)
    assert policies.current() is POLICIES
    assert service.compare(picture(48), picture(48), "gate", "night").calibration == "night"
    assert audit.outcomes() == [("reload_policies", key)]


def test_a_reload_counts_also_where_it_cannot_be_noted(caplog):
    after = Policies({"default": Scenario("default")})
    failing = StorageError("storage.failed", "the disk is gone")
    policies = PolicyService(service_of(), Files(after, noting=failing), RecordingAudit())
    assert policies.reload() is policies.current() is after
    assert "not noted: the disk is gone" in caplog.text


def test_a_scenario_is_saved_once_a_reload_would_take_it():
    files, audit = Files(POLICIES), RecordingAudit()
    policies = PolicyService(service_of(), files, audit)
    door = Scenario("door", calibration="night")
    assert policies.save_scenario(door, OPERATOR) == "scenarios.toml"
    assert (files.added, files.saved) == ([door], [door])
    assert policies.current() is POLICIES
    [(_, event)] = audit.noted
    assert (event.action, event.outcome) == ("save_scenario", "saved")
    assert event.values == {"scenario": "door"}


def test_a_scenario_that_a_reload_would_refuse_is_not_saved():
    files = Files(CalibrationMissingError("scaling.unknown", "there is none"))
    policies = PolicyService(service_of(), files, RecordingAudit())
    with pytest.raises(CalibrationMissingError):
        policies.save_scenario(Scenario("door", calibration="dusk"))
    assert files.saved == []


def test_no_comparison_sees_thresholds_of_one_and_calibration_of_another():
    # each has its own threshold and its own calibration, under the same names
    def policies_of(number: int) -> Policies:
        probability = (number + 1) / 10
        scenario = Scenario("s", same_above=probability, different_below=0.0, calibration="c")
        return Policies({"s": scenario}, calibrations={"c": always(probability)})

    every = [policies_of(number) for number in range(9)]
    service, face = service_of(every[0]), picture(48)
    policies = PolicyService(service, Files(*(every * 40)), RecordingAudit())
    seen: set[float] = set()
    wrong: list[tuple[float, float | None]] = []
    done = threading.Event()

    def compare() -> None:
        template, _ = service.extract_one(face)
        while not done.is_set():
            for found in (
                service.compare(face, face, "s"),
                service.compare_templates(template, template, "s"),
            ):
                seen.add(found.scenario.same_above)
                if found.probability != pytest.approx(found.scenario.same_above):
                    wrong.append((found.scenario.same_above, found.probability))

    threads = [threading.Thread(target=compare) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(9 * 40):
        policies.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) > 1


def test_a_request_under_way_keeps_the_policies_it_began_with():
    calibrations = CALIBRATIONS | {"day": always(0.1)}
    after = Policies({"gate": replace(GATE, same_above=0.99)}, MODEL, calibrations)

    class Changing(FakeDetector):
        def detect(self, image):
            service.use(after)
            return super().detect(image)

    service = FaceService(
        Changing(),
        FakeEmbedder(),
        POLICIES,
        CountingAdmission(),
        fake_align,
        dominant_face_ratio=2.0,
    )
    begun = service.compare(picture(48), picture(48), "gate")
    assert (begun.scenario, begun.probability) == (GATE, pytest.approx(0.6))
    later = service.compare(picture(48), picture(48), "gate")
    assert (later.scenario.same_above, later.probability) == (0.99, pytest.approx(0.1))
