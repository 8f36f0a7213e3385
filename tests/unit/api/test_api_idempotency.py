from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.api.people import ANN, BEN, GALLERIES, GALLERY, SUBJECTS, enroll, in_base64, shot

KEY = {"Idempotency-Key": "4f1c-7"}


def versions(client):
    return [subject["version"] for subject in client.get(SUBJECTS).json()["subjects"]]


def test_an_enrolment_sent_twice_takes_effect_once(gallery_client):
    first = enroll(gallery_client, "ann", shot(ANN), headers=KEY, name="Ann")
    before = versions(gallery_client)
    again = enroll(gallery_client, "ann", shot(ANN), headers=KEY, name="Ann")
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.status_code == first.status_code == 201
    assert again.json()["subject"] == first.json()["subject"]
    assert again.json()["created"]
    assert again.json()["pictures"][0]["status"] == "unchanged"
    assert again.headers["location"] == first.headers["location"]
    assert versions(gallery_client) == before


def test_the_same_request_may_come_as_a_form_the_second_time(gallery_client):
    enroll(gallery_client, "ann", shot(ANN), headers=KEY, metadata={"a": 1, "b": 2})
    again = gallery_client.post(
        SUBJECTS,
        data={"subject_id": "ann", "metadata": '{"b": 2, "a": 1}', "force": "false"},
        files={"image": ("a.png", shot(ANN))},
        headers=KEY,
    )
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")


@pytest.mark.parametrize(
    ("subject_id", "colour", "fields"),
    [
        ("ben", ANN, {}),
        ("ann", BEN, {}),
        ("ann", ANN, {"name": "A"}),
        ("ann", ANN, {"force": True}),
    ],
)
def test_a_key_serves_one_request_alone(gallery_client, subject_id, colour, fields):
    enroll(gallery_client, "ann", shot(ANN), headers=KEY)
    before = versions(gallery_client)
    answer = enroll(gallery_client, subject_id, shot(colour), headers=KEY, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.key_reused")
    assert versions(gallery_client) == before


def test_a_key_serves_one_address_alone(gallery_client):
    enroll(gallery_client, "ann", shot(ANN), headers=KEY)
    body = {"image": in_base64(shot(ANN, 60))}
    answer = gallery_client.post(f"{SUBJECTS}/ann/templates", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.key_reused")


def test_another_gallery_may_use_the_same_key(gallery_client):
    gallery_client.post(GALLERIES, json={"name": "other"})
    enroll(gallery_client, "ann", shot(ANN), headers=KEY)
    body = {"subject_id": "ann", "image": in_base64(shot(ANN))}
    answer = gallery_client.post(f"{GALLERIES}/other/subjects", json=body, headers=KEY)
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


def test_a_template_sent_twice_is_added_once(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    path, body = f"{SUBJECTS}/ann/templates", {"image": in_base64(shot(ANN, 60))}
    first = gallery_client.post(path, json=body, headers=KEY)
    again = gallery_client.post(path, json=body, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert len(again.json()["subject"]["templates"]) == 2


def test_a_replay_does_not_mind_that_the_version_went_on(gallery_client):
    tag = enroll(gallery_client, "ann", shot(ANN)).headers["etag"]
    path, body = f"{SUBJECTS}/ann/templates", {"image": in_base64(shot(ANN, 60))}
    for _ in range(2):
        answer = gallery_client.post(path, json=body, headers={**KEY, "If-Match": tag})
        assert answer.status_code == 201


def test_a_gallery_sent_twice_is_made_once(gallery_client):
    first = gallery_client.post(GALLERIES, json={"name": "new"}, headers=KEY)
    again = gallery_client.post(GALLERIES, json={"name": "new"}, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    for body in ({"name": "newer"}, {"name": "new", "max_templates": 3}):
        answer = gallery_client.post(GALLERIES, json=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.key_reused")
    assert gallery_client.get(f"{GALLERIES}/newer").status_code == 404
    # without a key it is simply taken
    assert gallery_client.post(GALLERIES, json={"name": "new"}).status_code == 409


def test_a_key_is_free_again_when_what_it_made_is_gone(gallery_client):
    enroll(gallery_client, "ann", shot(ANN), headers=KEY)
    gallery_client.delete(f"{SUBJECTS}/ann")
    answer = enroll(gallery_client, "ann", shot(ANN), headers=KEY)
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "k\tk", "é"])
def test_a_malformed_key_is_refused_before_anything_is_done(gallery_client, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    for path, body in ((SUBJECTS, {"subject_id": "ann"}), (GALLERIES, {"name": "new"})):
        answer = gallery_client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.key")
        assert "255" in answer.json()["detail"]
    assert gallery_client.get(GALLERY).json()["subjects"] == 0


def test_the_longest_key_will_do(gallery_client):
    headers = {"Idempotency-Key": "~" * 255}
    assert enroll(gallery_client, "ann", headers=headers).status_code == 201


def test_requests_sent_at_once_take_effect_once(gallery_client):
    def send(i: int):
        if i % 2:
            return gallery_client.post(GALLERIES, json={"name": "new"}, headers=KEY)
        return enroll(gallery_client, "ann", shot(ANN), headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    fresh = [answer for answer in answers if "idempotent-replayed" not in answer.headers]
    assert len(fresh) == 2
    assert len(versions(gallery_client)) == 1
