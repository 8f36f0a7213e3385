from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.served import Served
from tests.fakes import FakeEmbedder, fake_gallery_service, fake_service
from tests.unit.api.people import (
    ANN,
    BEN,
    GALLERY,
    SUBJECTS,
    enroll,
    in_base64,
    known,
    send_batch,
    shot,
    statuses,
)

BATCH = f"{SUBJECTS}:batch"


def test_each_subject_has_a_line_and_the_last_one_sums_up(gallery_client):
    enroll(gallery_client, "ben", shot(BEN))
    lines = send_batch(
        gallery_client,
        known("ann", shot(ANN), shot(ANN, 60), name="Ann", metadata={"floor": 3}),
        known("ben", shot(BEN), shot(BEN, 60)),
        known("cat"),
        known("dan", b""),
    )
    assert statuses(lines) == [
        ("ann", "created"),
        ("ben", "updated"),
        ("cat", "created"),
        ("dan", "refused"),
    ]
    assert [line["index"] for line in lines[:-1]] == [0, 1, 2, 3]
    assert [one["status"] for one in lines[1]["pictures"]] == ["unchanged", "enrolled"]
    assert (lines[3]["code"], lines[3]["field"]) == ("image.empty", "images[0]")
    assert lines[-1] == {
        "summary": {
            "received": 4,
            "created": 2,
            "updated": 1,
            "unchanged": 0,
            "refused": 1,
            "complete": True,
        }
    }
    ann = gallery_client.get(f"{SUBJECTS}/ann").json()
    assert (ann["name"], ann["metadata"], len(ann["templates"])) == ("Ann", {"floor": 3}, 2)
    assert gallery_client.get(f"{SUBJECTS}/dan").status_code == 404


def test_sent_again_it_changes_nothing_and_embeds_nothing(gallery_client_of):
    class CountingEmbedder(FakeEmbedder):
        calls = 0

        def embed(self, crops):
            self.calls += 1
            return super().embed(crops)

    embedder = CountingEmbedder()
    galleries = fake_gallery_service(fake_service(embedder=embedder))
    galleries.create_gallery("staff")
    client = gallery_client_of(galleries)
    batch = [known("ann", shot(ANN), name="Ann"), known("ben", shot(BEN), metadata={"a": 1})]
    send_batch(client, *batch)
    before, calls = client.get(SUBJECTS).json(), embedder.calls
    lines = send_batch(client, *batch)
    assert statuses(lines) == [("ann", "unchanged"), ("ben", "unchanged")]
    assert client.get(SUBJECTS).json() == before
    assert embedder.calls == calls > 0
    renamed = send_batch(client, known("ann", shot(ANN), name="Anna"))
    assert statuses(renamed) == [("ann", "updated")]


def test_a_name_alone_leaves_the_metadata_and_metadata_alone_the_name(gallery_client):
    enroll(gallery_client, "ann", name="Ann", metadata={"floor": 3})
    send_batch(gallery_client, known("ann", name="Anna"))
    ann = gallery_client.get(f"{SUBJECTS}/ann").json()
    assert (ann["name"], ann["metadata"]) == ("Anna", {"floor": 3})
    send_batch(gallery_client, known("ann", metadata={"floor": 4}))
    ann = gallery_client.get(f"{SUBJECTS}/ann").json()
    assert (ann["name"], ann["metadata"]) == ("Anna", {"floor": 4})
    [line, _] = send_batch(gallery_client, known("ann", name="Anna"))
    assert line["status"] == "unchanged"


@pytest.mark.parametrize("as_file", [True, False])
def test_a_form_brings_files_that_its_manifest_names(gallery_client, as_file):
    manifest = json.dumps(
        {
            "subjects": [
                {"subject_id": "ann", "images": ["a1", "a2"]},
                {"subject_id": "ben", "images": ["missing"]},
            ]
        }
    )
    files = [
        ("a1", ("1.png", shot(ANN))),
        ("a2", ("2.png", shot(ANN, 60))),
        ("manifest", ("m.json" if as_file else None, manifest)),
    ]
    answer = gallery_client.post(BATCH, files=files)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert statuses(lines) == [("ann", "created"), ("ben", "refused")]
    assert len(lines[0]["pictures"]) == 2
    assert (lines[1]["code"], lines[1]["field"]) == ("batch.no_file", "images[0]")
    assert "missing" in lines[1]["detail"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("a", ("a.png", b"1"))], "batch.manifest"),
        ([("manifest", (None, "{}")), ("manifest", (None, "{}"))], "batch.manifest"),
        ([("manifest", (None, "{}"))], "request.field_names"),
        ([("manifest", (None, "["))], "request.bad_json"),
        (
            [("manifest", (None, '{"subjects": []}')), ("a", ("a.png", b"1"))],
            "batch.file_not_named",
        ),
        (
            [("manifest", (None, '{"subjects": []}')), ("a", (None, "text"))],
            "request.not_file",
        ),
        (
            [("manifest", (None, '{"subjects": [{"images": ["a"]}]}'))]
            + [("a", ("a.png", b"1"))] * 2,
            "batch.file_twice",
        ),
    ],
)
def test_bad_forms_are_refused_as_a_whole(gallery_client, files, code):
    answer = gallery_client.post(BATCH, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "request.field_names"),
        ({"subjects": {"a": 1}}, 422, "request.not_list"),
        ({"subjects": 5}, 422, "request.not_list"),
        ({"subjects": [{}] * 1001}, 422, "batch.too_many"),
        ({"subjects": [], "force": "yes"}, 422, "request.not_flag"),
        ({"subjects": [], "scenario": "party"}, 404, "scenario.unknown"),
        ([], 422, "request.not_object"),
    ],
)
def test_bad_batches_are_refused_as_a_whole(gallery_client, body, status, code):
    answer = gallery_client.post(BATCH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        (5, "batch.no_object"),
        (None, "batch.no_object"),
        ({}, "request.field_names"),
        ({"subject_id": None}, "subject.id"),
        ({"subject_id": 5}, "request.not_text"),
        ({"subject_id": "a/b"}, "subject.id"),
        ({"subject_id": "\ud800" * 200}, "subject.id"),
        ({"subject_id": "eve", "age": 5}, "request.field_names"),
        ({"subject_id": "eve", "images": 5}, "request.not_list"),
        ({"subject_id": "eve", "images": [5]}, "request.bad_base64"),
        ({"subject_id": "eve", "images": [""] * 21}, "request.many_pictures"),
        ({"subject_id": "eve", "metadata": {"a": "x" * 17_000}}, "subject.metadata_size"),
        ({"subject_id": "eve", "name": "x" * 201}, "subject.name"),
        (known("eve", shot(ANN, 60)), "enroll.duplicate_face"),
    ],
)
def test_a_subject_that_is_refused_stops_no_other(gallery_client, subject, code):
    content = json.dumps({"subjects": [known("ann", shot(ANN)), subject, known("ben", shot(BEN))]})
    answer = gallery_client.post(
        BATCH, content=content, headers={"Content-Type": "application/json"}
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in lines[:-1]] == ["created", "refused", "created"]
    assert lines[1]["code"] == code
    assert lines[1]["detail"]
    assert lines[-1]["summary"]["complete"]
    ids = [one["subject_id"] for one in gallery_client.get(SUBJECTS).json()["subjects"]]
    assert ids == ["ann", "ben"]


def test_a_gallery_that_is_not_there_is_said_before_the_first_line(gallery_client):
    answer = gallery_client.post("/v1/galleries/none/subjects:batch", json={"subjects": []})
    assert answer.status_code == 404


def test_reasons_come_in_the_callers_language(gallery_client):
    answer = gallery_client.post(
        BATCH, json={"subjects": [known("ann", b"")]}, headers={"Accept-Language": "zh"}
    )
    assert "图片为空" in json.loads(answer.text.splitlines()[0])["detail"]


def test_forced_it_enrols_faces_of_others_too(gallery_client):
    lines = send_batch(
        gallery_client, known("ann", shot(ANN)), known("eve", shot(ANN, 60)), force=True
    )
    assert statuses(lines) == [("ann", "created"), ("eve", "created")]
    assert lines[1]["near_duplicates"][0]["subject_id"] == "ann"


def test_a_batch_may_be_larger_than_another_body(gallery_client, settings):
    pad = "x" * 2 * settings.max_image_bytes
    for _ in range(2):
        pad += pad
    body = {"subjects": [], "scenario": pad}
    assert gallery_client.post(SUBJECTS, json=body).status_code == 413
    assert gallery_client.post(BATCH, json=body).status_code == 404  # no such scenario


def test_a_batch_beyond_its_own_limit_is_refused(service, settings, galleries):
    small = settings.model_copy(update={"max_batch_bytes": 1000})
    client = TestClient(create_app(Served(service, small, galleries=galleries)))
    answer = client.post(BATCH, json={"subjects": [], "scenario": "x" * 1000})
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert "1000" in answer.json()["detail"]


def test_pictures_are_decoded_when_their_turn_comes(gallery_client, audit):
    broken = in_base64(shot(BEN)[:-30])
    lines = send_batch(
        gallery_client, known("ann", shot(ANN)), {"subject_id": "ben", "images": [broken]}
    )
    assert statuses(lines) == [("ann", "created"), ("ben", "refused")]
    assert ("enroll", "enrolled") in audit.outcomes()
    assert gallery_client.get(GALLERY).json()["subjects"] == 1
