from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_job import DriftJob
from ood_face.service import PolicyService, ReviewService
from tests.fakes.review import FakeReviewQueue
from tests.unit.api.test_api_calibration import Files

if TYPE_CHECKING:
    from collections.abc import Iterator

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.fixture
def everything(service, settings, galleries, audit, tmp_path) -> Iterator[TestClient]:
    """Return a client of an API that has every part."""
    drift = DriftJob(DriftMonitor("fake-1", 500, 0.15), tmp_path / "drift.json")
    served = Served(
        service,
        settings,
        galleries=galleries,
        review=ReviewService(FakeReviewQueue(), audit),
        drift=drift,
        policies=PolicyService(service, Files(), audit),
    )
    with closing(drift), TestClient(create_app(served)) as client:
        yield client


def _media_types(path: str, status: int) -> list[str]:
    if status in (204, 304):
        return []
    if status >= 400:
        return ["application/problem+json"]
    if path == "/metrics":
        return ["text/plain"]
    if path.endswith(("/crop", "/crops/{index}")):
        return ["image/png"]
    if path.endswith(":export"):
        return ["application/octet-stream"]
    return ["application/x-ndjson" if path.endswith(":batch") else "application/json"]


def test_the_document_is_the_one_agreed_on(everything, request):
    document = everything.get("/openapi.json").json()
    if request.config.getoption("--update-snapshots"):
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
        SNAPSHOT.write_text(text + "\n", encoding="utf-8")
    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8")), (
        "the API changed; if that is meant: pytest tests/unit/api --update-snapshots"
    )


def test_every_answer_of_every_endpoint_is_described_with_its_media_type(everything):
    for path, operations in everything.get("/openapi.json").json()["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            for status, response in operation["responses"].items():
                assert list(response.get("content", ())) == _media_types(path, int(status)), (
                    path,
                    status,
                )


def test_the_document_refers_to_nothing_that_it_lacks(everything):
    document = everything.get("/openapi.json").json()
    text = json.dumps(document)
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= set(
        document["components"]["schemas"]
    )
    assert '"$ref": "#/$defs' not in text


def test_fields_have_descriptions_or_examples(everything):
    schemas = everything.get("/openapi.json").json()["components"]["schemas"]
    for name in (
        "Face",
        "ComparedFace",
        "CompareResponse",
        "Problem",
        "ScenarioOut",
        "GalleryOut",
        "SubjectOut",
        "TemplateOut",
        "EnrolmentResponse",
        "PictureOutcome",
        "IdentifyResponse",
        "CandidateOut",
        "VerifyResponse",
        "ReviewItemOut",
        "ReviewPageOut",
        "DriftResponse",
        "SignalOut",
        "LabelledOut",
        "VerdictsOut",
    ):
        for field, schema in schemas[name]["properties"].items():
            assert {"description", "examples", "$ref", "items"} & set(schema), (name, field)


def test_the_document_has_every_part_of_the_api(everything):
    paths = everything.get("/openapi.json").json()["paths"]
    firsts = {"/v1/compare", "/v1/galleries", "/v1/review", "/v1/drift", "/v1/policies", "/metrics"}
    assert firsts <= set(paths)


def test_the_document_derived_twice_is_the_same(everything):
    assert everything.get("/openapi.json").json() == everything.get("/openapi.json").json()
