"""Policies are read anew and exchanged at once, or stay as they are."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from ood_face.errors import (
    CalibrationMissingError,
    ConfigError,
    StorageError,
    UnknownScenarioError,
)
from ood_face.service import Policies, PolicyService
from ood_face.types import Caller, SameModel, Scenario
from tests.fakes import FakeDetector, fake_gallery_service, picture
from tests.fakes.audit import RecordingAudit
from tests.unit.service.chosen import (
    CALIBRATIONS,
    GATE,
    MODEL,
    POLICIES,
    SCENARIOS,
    always,
    service_of,
)
from tests.unit.service.people import ANN, GALLERY, ask, photo

OPERATOR = Caller("operator")


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


@pytest.fixture
def quick_turns():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_turns")
def test_no_comparison_sees_thresholds_of_one_and_calibration_of_another():
    # each has its own threshold and its own calibration, under the same names
    def policies_of(number: int) -> Policies:
        probability = (number + 1) / 10
        scenario = Scenario("s", same_above=probability, different_below=0.0, calibration="c")
        return Policies({"s": scenario}, calibrations={"c": always(probability)})

    every = [policies_of(number) for number in range(9)]
    service, face = service_of(every[0]), picture(48)
    policies = PolicyService(service, Files(*(every * 100)), RecordingAudit())
    template, _ = service.extract_one(face)
    seen: set[float] = set()
    wrong: list[tuple[float, float | None]] = []
    done = threading.Event()

    def compare() -> None:
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
    for _ in range(9 * 100):
        policies.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) > 1


def test_a_reload_between_two_looks_at_the_policies_is_not_seen():
    class Reloading(dict[str, Scenario]):
        def __getitem__(self, name):
            service.use(after)
            return super().__getitem__(name)

    after = Policies(SCENARIOS, MODEL, {"day": always(0.1), "night": always(0.1)})
    service = service_of()
    template, _ = service.extract_one(picture(48))
    galleries = fake_gallery_service(service)
    galleries.create_gallery(GALLERY, scenario="gate")
    galleries.enroll(GALLERY, ask("ann", photo(ANN)))
    asked = (
        lambda: service.compare(picture(48), picture(48), "gate").probability,
        lambda: service.compare_templates(template, template, "gate").probability,
        lambda: galleries.identify(GALLERY, picture(60, colour=ANN)).candidates[0].probability,
        lambda: galleries.verify(GALLERY, "ann", picture(60, colour=ANN)).candidate.probability,
    )
    for ask_for in asked:
        service.use(Policies(Reloading(SCENARIOS), MODEL, CALIBRATIONS))
        assert ask_for() == pytest.approx(0.6)
        assert service.policies is after


def test_a_request_under_way_keeps_the_policies_it_began_with():
    calibrations = CALIBRATIONS | {"day": always(0.1)}
    after = Policies({"gate": replace(GATE, same_above=0.99)}, MODEL, calibrations)

    class Changing(FakeDetector):
        def detect(self, image):
            service.use(after)
            return super().detect(image)

    service = service_of(detector=Changing())
    begun = service.compare(picture(48), picture(48), "gate")
    assert (begun.scenario, begun.probability) == (GATE, pytest.approx(0.6))
    later = service.compare(picture(48), picture(48), "gate")
    assert (later.scenario.same_above, later.probability) == (0.99, pytest.approx(0.1))
