from __future__ import annotations

import pytest

from tests.fakes import picture, png
from tests.unit.api.people import ANN, BEN, CAT, GALLERY, SUBJECTS, dim_shot, enroll, shot


def identify(client, data, headers=None, **fields):
    files = {"image": ("a.png", data), **{key: (None, str(v)) for key, v in fields.items()}}
    return client.post(f"{GALLERY}:identify", files=files, headers=headers)


def verify(client, subject_id, data, **fields):
    files = {"image": ("a.png", data), **{key: (None, str(v)) for key, v in fields.items()}}
    return client.post(f"{SUBJECTS}/{subject_id}:verify", files=files)


@pytest.fixture
def client(gallery_client):
    enroll(gallery_client, "ann", shot(ANN), name="Ann")
    enroll(gallery_client, "ben", shot(BEN))
    return gallery_client


def test_a_known_face_is_identified(client):
    body = identify(client, shot(ANN, 60)).json()
    assert (body["verdict"], body["verdict_name"]) == ("identified", "identified")
    assert (body["model_id"], body["gallery"]) == ("fake-1", "staff")
    assert body["scenario"]["name"] == "default"
    first, second = body["candidates"]
    assert (first["subject_id"], first["name"], first["probability"]) == ("ann", "Ann", None)
    assert (second["subject_id"], second["name"]) == ("ben", None)
    assert body["margin"] == pytest.approx(first["similarity"] - second["similarity"])
    assert body["margin"] > 0
    [reason] = body["reasons"]
    assert reason["key"] == "identify.above"
    assert f"{reason['values']['similarity']:.3f}" in reason["sentence"]
    assert body["probe"]["quality_level"] == "good"
    assert "feature" not in body["probe"]


def test_a_face_that_nobody_has_is_unknown_in_the_callers_language(client):
    body = identify(client, shot(CAT), {"Accept-Language": "zh"}).json()
    assert (body["verdict"], body["verdict_name"]) == ("unknown", "未在此注册")
    assert len(body["candidates"]) == 2


def test_a_poor_face_is_to_be_taken_again(client):
    dark = png(picture(48, colour=(110, 90, 90)))
    body = identify(client, dark).json()
    assert body["verdict"] == "recapture"
    assert body["reasons"][0]["key"] == "quality.poor_probe"


def test_an_empty_gallery_knows_nobody(gallery_client):
    body = identify(gallery_client, shot(ANN)).json()
    assert (body["verdict"], body["candidates"], body["margin"]) == ("unknown", [], None)
    assert body["reasons"][0]["key"] == "identify.empty"


def test_so_many_candidates_as_were_asked_for(client):
    assert len(identify(client, shot(ANN), top_k=1).json()["candidates"]) == 1
    assert identify(client, shot(ANN), top_k=1).json()["margin"] is not None


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"top_k": 0}, 422, "identify.top_k"),
        ({"top_k": 101}, 422, "identify.top_k"),
        ({"top_k": -5}, 422, "identify.top_k"),
        ({"top_k": "five"}, 422, "request.not_number"),
        ({"top_k": "9" * 30}, 422, "request.not_number"),
        ({"scenario": "party"}, 404, "scenario.unknown"),
        ({"threshold": 0.5}, 422, "request.field_names"),
    ],
)
def test_bad_fields_of_a_search(client, fields, status, code):
    answer = identify(client, shot(ANN), **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "image.empty"), (png(0 * picture(40)), "face.none")]
)
def test_bad_pictures_of_a_search(client, data, code):
    for answer in (identify(client, data), verify(client, "ann", data)):
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert identify(client, b"").json()["field"] == "image"


def test_a_deleted_subject_is_never_found(client):
    client.delete(f"{SUBJECTS}/ann")
    body = identify(client, shot(ANN)).json()
    assert [candidate["subject_id"] for candidate in body["candidates"]] == ["ben"]
    assert verify(client, "ann", shot(ANN)).status_code == 404


@pytest.mark.parametrize(("colour", "verdict"), [(ANN, "same"), (CAT, "different")])
def test_a_face_is_compared_with_the_subject_it_claims_to_be(client, colour, verdict):
    answer = verify(client, "ann", shot(colour, 60), scenario="gate")
    body = answer.json()
    assert (answer.status_code, body["verdict"]) == (200, verdict)
    assert body["candidate"]["subject_id"] == "ann"
    assert body["scenario"]["name"] == "gate"
    assert body["reasons"][0]["sentence"]
    assert body["verdict_name"]


def test_a_subject_without_templates_cannot_be_verified(gallery_client):
    enroll(gallery_client, "ann")
    answer = verify(gallery_client, "ann", shot(ANN))
    assert (answer.status_code, answer.json()["code"]) == (404, "gallery.no_template")


def test_a_gallery_that_is_not_there_cannot_be_searched(client):
    answer = client.post("/v1/galleries/none:identify", files={"image": ("a.png", dim_shot(ANN))})
    assert answer.status_code == 404


def test_searches_are_noted_without_pictures(client, audit):
    identify(client, shot(ANN))
    verify(client, "ben", shot(BEN))
    assert audit.outcomes()[-2:] == [("identify", "identified"), ("verify", "same")]
