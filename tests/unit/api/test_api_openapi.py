from __future__ import annotations

import json
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("openapi.json")


def test_the_document_is_the_one_agreed_on(client, request):
    document = client.get("/openapi.json").json()
    if request.config.getoption("--update-snapshots"):
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
        SNAPSHOT.write_text(text + "\n", encoding="utf-8")
    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8")), (
        "the API changed; if that is meant: pytest tests/unit/api --update-snapshots"
    )


def test_every_answer_of_every_endpoint_is_described_with_its_media_type(client):
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            for status, response in operation["responses"].items():
                wanted = "application/problem+json" if int(status) >= 400 else "application/json"
                assert list(response["content"]) == [wanted], (path, status)


def test_fields_have_descriptions_or_examples(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("Face", "ComparedFace", "CompareResponse", "Problem", "ScenarioOut"):
        for field, schema in schemas[name]["properties"].items():
            assert {"description", "examples", "$ref", "items"} & set(schema), (name, field)


def test_the_document_derived_twice_is_the_same(client):
    assert client.get("/openapi.json").json() == client.get("/openapi.json").json()
