"""The tab System: what is found, and what is said of it."""

from __future__ import annotations

from html import unescape

import pytest

from ood_face.bootstrap import ModelCard, TestedPairs
from ood_face.config import Settings
from ood_face.errors import ArtifactError, BackendError, ForbiddenError, UnauthenticatedError
from ood_face.messages import LANGUAGES
from ood_face.service import Policies
from ood_face.types import AdmissionLoad, CalibrationFacts, Policy, Scenario
from tests.fakes import FakeDetector, FullAdmission, fake_gallery_service, fake_service
from webui.catalogue import texts
from webui.system_state import GallerySize, Speed, SystemState, look, measure
from webui.views.system import NARROW_DISK_BYTES, system_view
from webui.views.system_calls import calls

EN = texts("en")
TESTED = TestedPairs(
    "cfp_ff", 500, 7000, 0.976, (0.970, 0.982), 0.45, 0.0, (0, 0.0011), 0.383, (0.36, 0.40)
)
CARD = ModelCard(
    "m@1", "Apache-2.0", "ours", 19_000_000, 4_576_560, 451_200, (TESTED,), 0.018, 35, 38
)
POLICIES = Policies({"default": Scenario("default"), "vault": Scenario("vault", same_above=0.6)})
SPEED = Speed(5, (394, 420), 1.2, 23.4, 6.9, 65.0)
GOOD = SystemState(
    self_test_ms=8.4,
    disk_free_bytes=50 * 2**30,
    disk_bytes=100 * 2**30,
    galleries=(GallerySize("staff", 12, 30),),
    address="https://faces.example",
    speed=SPEED,
)


class BrokenDetector(FakeDetector):
    def detect(self, image):  # noqa: ARG002 - it looks at nothing
        raise BackendError("runtime.failed", "the network failed")


class BusyAdmission(FullAdmission):
    def __init__(self, load: AdmissionLoad) -> None:
        self.load = load


class Served:
    """The parts of a server that the tab looks at."""

    def __init__(self, faces=None, galleries=None, data_dir=None) -> None:
        self.faces = fake_service() if faces is None else faces
        self.galleries = galleries
        self.settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
        self.access = None


def shown(state=GOOD, model=CARD, policies=POLICIES, language: str = "en") -> str:
    return unescape(system_view(state, model, policies, {"Python": "3.11"}, texts(language)))


def test_what_is_found_is_what_there_is(tmp_path):
    galleries = fake_gallery_service()
    galleries.create_gallery("staff")
    state = look(Served(galleries=galleries, data_dir=tmp_path / "not-yet"), with_galleries=True)

    assert state.failure is None
    assert state.self_test_ms > 0
    assert state.disk_bytes > state.disk_free_bytes > 0
    assert state.galleries == (GallerySize("staff", 0, 0),)
    assert state.needs_key is False


@pytest.mark.parametrize(
    ("load", "said", "level"),
    [
        (AdmissionLoad(1, 0, 2, 8), "idle", "good"),
        (AdmissionLoad(2, 0, 2, 8, 3, 4), "idle", "good"),
        (AdmissionLoad(2, 5, 2, 8), "busy", "unknown"),
        (AdmissionLoad(2, 8, 2, 8), "full", "bad"),
        (AdmissionLoad(2, 0, 2, 0), "full", "bad"),
    ],
)
def test_who_is_at_work_and_who_waits_is_said(load, said, level):
    html = shown(SystemState(load=load))

    (light,) = [one for one in html.split("<li ") if EN(f"system.{said}") in one]
    assert light.startswith(f'class="light-{level}"')
    assert f"{load.at_work} of {load.workers} workers are busy" in light
    assert f"{load.waiting} of at most {load.queue_size} requests wait" in light
    assert f"Refused since the start: {load.refused_full + load.refused_late}." in light


def test_the_load_is_what_the_service_tells():
    load = AdmissionLoad(2, 5, 2, 8)
    faces = fake_service(admission=BusyAdmission(load))

    assert look(Served(faces), with_galleries=False).load == load


def test_who_may_not_look_is_not_told_of_galleries():
    galleries = fake_gallery_service()
    galleries.create_gallery("secret-project")

    assert look(Served(galleries=galleries), with_galleries=False).galleries is None


def test_a_model_that_fails_is_told_and_no_crash():
    state = look(Served(fake_service(detector=BrokenDetector())), with_galleries=False)

    assert state.failure is not None
    html = shown(state)
    assert "light-bad" in html
    assert EN("system.broken") in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_was_found_is_said(language):
    words, html = texts(language), shown(language=language)

    for sentence in (
        words("system.works_note", ms="8"),
        words("system.disk_note", free="50.0", total="100"),
        words("system.gallery", subjects=12, templates=30),
        words("system.ms", ms="23"),
        words("system.set_cfp_ff"),
        words("system.limit_live"),
        words("system.checks_met", met=35, all=38),
        words("scenario.default"),
        "97.6 %",
        "38.3 %",
        "vault",
        "4,576,560",
    ):
        assert sentence in html
    assert "{" not in html.split("<pre")[0]


def test_a_disk_that_is_nearly_full_is_a_warning():
    narrow = SystemState(disk_free_bytes=NARROW_DISK_BYTES - 1, disk_bytes=2**40)

    assert EN("system.disk_narrow") in shown(narrow)
    assert EN("system.disk_unknown") in shown(SystemState())


def test_before_anybody_looked_that_is_said():
    assert EN("system.looking") in shown(None)


def test_a_card_that_cannot_be_read_is_told_and_the_rest_stands():
    broken = ArtifactError("artifacts.bad_report", "the report {file} is torn", file="r.json")
    html = shown(model=broken)

    assert "r.json" in html
    assert EN("system.calls") in html


def test_a_model_without_a_report_says_that_nothing_is_known():
    assert EN("system.no_report") in shown(model=ModelCard("m@1", "", ""))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnauthenticatedError("access.no_key", "a key is needed"), "signin.needed"),
        (ForbiddenError("access.role", "no {role}", name="x", role="admin"), "signin.lacks"),
    ],
)
def test_who_may_not_look_is_offered_to_sign_in(error, said):
    html = shown(SystemState(error=error))

    assert EN(said, role=EN("signin.role_admin")) in html
    assert 'href="sign-in"' in html


def test_a_scenario_that_decides_by_probability_shows_its_probabilities():
    scenario = Scenario("x", policy=Policy.PROBABILITY, same_probability_above=0.97)
    html = shown(policies=Policies({"x": scenario}))

    assert "97.0 %" in html


def test_calibrations_say_where_they_come_from_and_how_well_they_hold():
    facts = CalibrationFacts(
        "gate-2", "isotonic", "m@1", "0" * 64, "2026-10-01T12:00:00", 0.1, 0.02, {"people": 1200}
    )
    html = shown(policies=Policies({"default": Scenario("default")}, facts=(facts,)))

    for sentence in (
        EN("doubt.calibration_named", name="gate-2"),
        EN("system.error_after", error="0.020"),
        EN("system.fitted_on", people="1,200"),
        EN("system.made", at="2026-10-01"),
    ):
        assert sentence in html


def snippets(*, needs_key: bool) -> dict[str, str]:
    html = calls(EN, "https://faces.example", needs_key=needs_key)
    parts = html.split("<pre")[1:]
    texts_ = [unescape(part.split("<code>")[1].split("</code>")[0]) for part in parts]
    return dict(zip(("c", "e", "cp", "ep"), texts_, strict=True))


@pytest.mark.parametrize("needs_key", [True, False])
def test_the_snippets_are_programs_that_name_this_server(needs_key):
    found = snippets(needs_key=needs_key)

    for name in ("cp", "ep"):
        compile(found[name], name, "exec")
    for text in found.values():
        assert "https://faces.example/v1/" in text
        assert ("YOUR_API_KEY" in text) == needs_key


def test_an_address_cannot_become_markup():
    html = calls(EN, "http://<img src=x>", needs_key=True)

    assert "<img" not in html


def test_a_measurement_runs_every_step():
    speed = measure(fake_service())

    assert speed.runs == 5
    assert speed.picture_px == (394, 420)
    steps = (speed.decode_ms, speed.detect_ms, speed.feature_ms, speed.compare_ms)
    assert all(0 < ms < 60_000 for ms in steps)
