from __future__ import annotations

import json
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("openapi.json")


def _media_types(path: str, status: int) -> list[str]:
    if status in (204, 304):
        return []
    if status >= 400:
        return ["application/problem+json"]
    if path == "/metrics":
        return ["text/plain"]
    if path.endswith("/crop"):
        return ["image/png"]
    return ["application/x-ndjson" if path.endswith(":batch") else "application/json"]


def test_the_document_is_the_one_agreed_on(gallery_client, request):
    document = gallery_client.get("/openapi.json").json()
    if request.config.getoption("--update-snapshots"):
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
        SNAPSHOT.write_text(text + "\n", encoding="utf-8")
    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8")), (
        "the API changed; if that is meant: pytest tests/unit/api --update-snapshots"
    )


def test_every_answer_of_every_endpoint_is_described_with_its_media_type(gallery_client):
    for path, operations in gallery_client.get("/openapi.json").json()["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            for status, response in operation["responses"].items():
                assert list(response.get("content", ())) == _media_types(path, int(status)), (
                    path,
                    status,
                )


def test_fields_have_descriptions_or_examples(gallery_client):
    schemas = gallery_client.get("/openapi.json").json()["components"]["schemas"]
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
    ):
        for field, schema in schemas[name]["properties"].items():
            assert {"description", "examples", "$ref", "items"} & set(schema), (name, field)


def test_the_document_derived_twice_is_the_same(gallery_client):
    assert gallery_client.get("/openapi.json").json() == gallery_client.get("/openapi.json").json()
