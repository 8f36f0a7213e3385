"""Choosing a calibration: in a request, for a gallery; what is in force, and reading it anew."""

from __future__ import annotations

from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from ood_face.access import KeyStore
from ood_face.api import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.errors import CalibrationMissingError, ConfigError
from ood_face.service import Policies, PolicyService
from ood_face.types import CalibrationFacts, Role, Scenario
from tests.fakes import fake_gallery_service, picture, png
from tests.fakes.audit import RecordingAudit
from tests.unit.api.people import ANN, GALLERY, SUBJECTS, enroll, shot
from tests.unit.service.chosen import POLICIES, service_of

PAIR = {"image_a": ("a.png", png(picture(40))), "image_b": ("b.png", png(picture(40)))}
FACTS = CalibrationFacts("day", "vector", "fake-1", "ab" * 32, "2026-11-02", 0.3, 0.01, {"n": 5})


class Files:
    """What a reload reads: policies, or an error; see :class:`ood_face.service.PolicySource`."""

    def __init__(self) -> None:
        self.found: Policies | Exception = POLICIES

    def read(self, _added=None) -> Policies:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def note(self, policies: Policies) -> None:
        pass


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def audit() -> RecordingAudit:
    return RecordingAudit()


@pytest.fixture
def served(settings, files, audit) -> Served:
    service = service_of()
    galleries = fake_gallery_service(service)
    policies = PolicyService(service, files, audit)
    return Served(service, settings, galleries=galleries, policies=policies)


@pytest.fixture
def client(served) -> TestClient:
    return TestClient(create_app(served), raise_server_exceptions=False)


def compare(client, **fields):
    sent = {name: (None, value) for name, value in fields.items()}
    return client.post("/v1/compare", files=PAIR | sent)


def test_a_comparison_is_calibrated_as_the_request_asks(client):
    body = compare(client, scenario="gate", calibration="night").json()
    assert (body["calibration"], body["probability"]) == ("night", pytest.approx(0.999))
    assert body["scenario"]["calibration_configs"] == ["night", "model"]
    body = compare(client, scenario="gate").json()
    assert (body["calibration"], body["probability"]) == ("day", pytest.approx(0.6))
    body = compare(client, calibration="none").json()
    assert (body["calibration"], body["probability"]) == (None, None)
    assert compare(client).json()["calibration"] == "model"


def test_what_is_not_offered_is_refused_in_the_callers_language(client):
    answer = compare(client, scenario="gate", calibration="dusk")
    assert (answer.status_code, answer.json()["code"]) == (422, "calibration.not_offered")
    assert answer.json()["detail"].endswith("it offers: day, night, model, none")
    client.headers["Accept-Language"] = "zh"
    told = compare(client, scenario="gate", calibration="dusk").json()["detail"]
    assert told == "场景 gate 不提供标定 'dusk'；可选：day, night, model, none"


def search(client, address, **fields):
    sent = {name: (None, value) for name, value in fields.items()}
    return client.post(address, files={"image": ("a.png", shot(ANN, 60))} | sent)


def test_a_gallery_chooses_where_the_request_does_not(client):
    made = client.post(
        "/v1/galleries", json={"name": "staff", "scenario": "gate", "calibration": "night"}
    )
    assert (made.status_code, made.json()["calibration"]) == (201, "night")
    enroll(client, "ann", shot(ANN))
    for address in (f"{GALLERY}:identify", f"{SUBJECTS}/ann:verify"):
        assert search(client, address).json()["calibration"] == "night"
        body = search(client, address, calibration="day").json()
        found = body["candidate"] if "candidate" in body else body["candidates"][0]
        assert (body["calibration"], found["probability"]) == ("day", pytest.approx(0.6))
        body = search(client, address, calibration="none").json()
        found = body["candidate"] if "candidate" in body else body["candidates"][0]
        assert (body["calibration"], found["probability"]) == (None, None)
        refused = search(client, address, scenario="default")
        assert (refused.status_code, refused.json()["code"]) == (422, "calibration.of_gallery")
        refused = search(client, address, calibration="dusk")
        assert (refused.status_code, refused.json()["code"]) == (422, "calibration.not_offered")


def test_a_gallerys_choice_is_changed_and_taken_back(client):
    assert client.post("/v1/galleries", json={"name": "staff"}).json()["calibration"] is None
    refused = client.patch(GALLERY, json={"calibration": "night"})
    assert (refused.status_code, refused.json()["code"]) == (422, "calibration.not_offered")
    body = client.patch(GALLERY, json={"scenario": "gate", "calibration": "night"}).json()
    assert (body["scenario"], body["calibration"]) == ("gate", "night")
    assert client.patch(GALLERY, json={"max_templates": 3}).json()["calibration"] == "night"
    refused = client.patch(GALLERY, json={"scenario": "default"})
    assert (refused.status_code, refused.json()["code"]) == (422, "calibration.not_offered")
    assert client.patch(GALLERY, json={"calibration": None}).json()["calibration"] is None
    assert client.get(GALLERY).json()["scenario"] == "gate"
    refused = client.patch(GALLERY, json={"scenario": None})
    assert (refused.status_code, refused.json()["code"]) == (422, "request.null")
    assert client.patch(GALLERY, json={"calibration": 3}).status_code == 422


def test_what_is_in_force_can_be_read_and_read_anew(client, files, audit):
    before = client.get("/v1/policies").json()
    assert [one["name"] for one in before["scenarios"]] == list(POLICIES.scenarios)
    assert before["scenarios"][1]["calibration_configs"] == ["night", "model"]
    assert before["calibrations"] == []

    files.found = Policies({"default": Scenario("default", same_above=0.6)}, facts=(FACTS,))
    after = client.post("/v1/policies:reload").json()
    assert after == client.get("/v1/policies").json()
    assert after["loaded_at"] >= before["loaded_at"]
    assert [one["same_above"] for one in after["scenarios"]] == [0.6]
    assert after["calibrations"] == [
        {
            "name": "day",
            "method": "vector",
            "model_id": "fake-1",
            "made": "2026-11-02",
            "error_before": 0.3,
            "error_after": 0.01,
            "counts": {"n": 5},
            "data_fingerprint": None,
            "file_sha256": "ab" * 32,
        }
    ]
    assert compare(client).json()["scenario"]["same_above"] == 0.6
    assert compare(client, scenario="gate").status_code == 404
    assert audit.outcomes() == [("reload_policies", "reloaded")]


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("scenarios.unreadable", "{file} of {problem}", file="f", problem="{0} {x}"),
        CalibrationMissingError("scaling.bad_file", "{file}: {problem}", file="f", problem="p"),
    ],
)
def test_a_reload_that_fails_says_why_and_changes_nothing(client, files, audit, error):
    files.found = error
    answer = client.post("/v1/policies:reload")
    assert (answer.status_code, answer.json()["code"]) == (409, error.key)
    assert answer.json()["detail"] == str(error)
    chinese = client.post("/v1/policies:reload", headers={"Accept-Language": "zh"}).json()["detail"]
    assert error.values["problem"] in chinese
    assert chinese != str(error)
    assert compare(client, scenario="gate").json()["calibration"] == "day"
    assert audit.outcomes() == [("reload_policies", error.key)] * 2


def test_any_key_may_look_and_only_an_admin_reloads(served, settings, audit, tmp_path):
    with closing(KeyStore(tmp_path / "keys")) as store:
        keys = {role: store.create(role, [role]).presented for role in Role}
        access = Access(store, settings)
        client = TestClient(
            create_app(Served(served.faces, settings, access, policies=served.policies))
        )
        assert client.get("/v1/policies").status_code == 401
        assert client.post("/v1/policies:reload").status_code == 401
        for role, key in keys.items():
            headers = {"X-API-Key": key}
            assert client.get("/v1/policies", headers=headers).status_code == 200
            expected = 200 if role is Role.ADMIN else 403
            assert client.post("/v1/policies:reload", headers=headers).status_code == expected
    [(caller, _)] = audit.noted
    assert caller.name == Role.ADMIN
    assert caller.request_id


def test_an_api_without_policies_has_no_such_address(settings):
    client = TestClient(create_app(Served(service_of(), settings)))
    assert client.get("/v1/policies").status_code == 404


def test_the_document_describes_policies(client):
    document = client.get("/openapi.json").json()
    show = document["paths"]["/v1/policies"]["get"]
    reload = document["paths"]["/v1/policies:reload"]["post"]
    assert {"200", "401", "403", "429"} <= set(show["responses"])
    assert "nothing has changed" in reload["responses"]["409"]["description"]
    assert list(reload["responses"]["409"]["content"]) == ["application/problem+json"]
    for name in ("PoliciesResponse", "CalibrationOut", "ScenarioOut"):
        for field, schema in document["components"]["schemas"][name]["properties"].items():
            assert {"description", "examples", "$ref", "items"} & set(schema), (name, field)
    body = document["paths"]["/v1/compare"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"]["calibration"] == "none"
