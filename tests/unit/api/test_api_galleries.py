from __future__ import annotations

import datetime

import pytest

from tests.unit.api.people import ANN, BEN, GALLERIES, GALLERY, enroll, shot


def test_without_galleries_the_api_has_no_such_addresses(client):
    answer = client.get(GALLERIES)
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")


def test_a_gallery_is_made_with_defaults_and_found_again(gallery_client):
    answer = gallery_client.post(GALLERIES, json={"name": "visitors"})
    assert answer.status_code == 201
    made = answer.json()
    assert {key: made[key] for key in ("name", "model_id", "scenario", "max_templates")} == {
        "name": "visitors",
        "model_id": "fake-1",
        "scenario": "default",
        "max_templates": 5,
    }
    assert (made["keep_crops"], made["subjects"], made["templates"]) == (False, 0, 0)
    assert made["created_at"].endswith("Z")
    assert datetime.datetime.fromisoformat(made["created_at"]).utcoffset() == datetime.timedelta(0)
    assert answer.headers["location"] == f"{GALLERIES}/visitors"

    found = gallery_client.get(answer.headers["location"])
    assert found.json() == made
    assert found.headers["etag"] == answer.headers["etag"]


def test_a_gallery_is_made_as_asked_by_a_form_too(gallery_client):
    fields = {"name": "gate-1", "scenario": "gate", "max_templates": "3", "keep_crops": "true"}
    files = {name: (None, value) for name, value in fields.items()}
    made = gallery_client.post(GALLERIES, files=files).json()
    assert (made["scenario"], made["max_templates"], made["keep_crops"]) == ("gate", 3, True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "staff"}, 409, "gallery.duplicate"),
        ({"name": "Staff"}, 422, "gallery.name"),
        ({"name": ""}, 422, "gallery.name"),
        ({"name": None}, 422, "gallery.name"),
        ({"name": 5}, 422, "request.not_text"),
        ({}, 422, "request.field_names"),
        ({"name": "x", "colour": "red"}, 422, "request.field_names"),
        ({"name": "x", "scenario": "party"}, 404, "scenario.unknown"),
        ({"name": "x", "max_templates": 0}, 422, "gallery.max_templates"),
        ({"name": "x", "max_templates": 21}, 422, "gallery.max_templates"),
        ({"name": "x", "max_templates": "5"}, 422, "request.not_number"),
        ({"name": "x", "max_templates": 5.0}, 422, "request.not_number"),
        ({"name": "x", "max_templates": True}, 422, "request.not_number"),
        ({"name": "x", "keep_crops": "yes"}, 422, "request.not_flag"),
        ({"name": "x", "keep_crops": 1}, 422, "request.not_flag"),
    ],
)
def test_bad_galleries_are_refused_and_not_made(gallery_client, body, status, code):
    answer = gallery_client.post(GALLERIES, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    names = [one["name"] for one in gallery_client.get(GALLERIES).json()["galleries"]]
    assert names == ["staff"]


def test_galleries_come_in_pages(gallery_client):
    for name in ("a", "b", "c"):
        gallery_client.post(GALLERIES, json={"name": name})
    seen, address = [], f"{GALLERIES}?limit=2"
    while address:
        answer = gallery_client.get(address)
        seen.append([gallery["name"] for gallery in answer.json()["galleries"]])
        address = answer.links.get("next", {}).get("url")
        assert (address is None) == (answer.json()["next"] is None)
    assert seen == [["a", "b"], ["c", "staff"], []]


@pytest.mark.parametrize("limit", [0, -1, 1001, 1_000_000, 10**30])
@pytest.mark.parametrize("path", [GALLERIES, f"{GALLERY}/subjects"])
def test_a_page_that_is_too_large_is_refused_with_the_limit(gallery_client, path, limit):
    answer = gallery_client.get(path, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (422, "gallery.page")
    assert "1 to 1000" in answer.json()["detail"]


def test_a_patch_changes_what_is_sent_and_nothing_else(gallery_client):
    before = gallery_client.get(GALLERY).json()
    answer = gallery_client.patch(GALLERY, json={"max_templates": 2})
    after = answer.json()
    assert answer.status_code == 200
    assert after["version"] > before["version"]
    assert {**after, "version": 0} == {**before, "version": 0, "max_templates": 2}


@pytest.mark.parametrize("body", [{"name": "x"}, {"scenario": None}, {"max_templates": 99}, []])
def test_bad_patches_change_nothing(gallery_client, body):
    before = gallery_client.get(GALLERY).json()
    assert gallery_client.patch(GALLERY, json=body).status_code == 422
    assert gallery_client.get(GALLERY).json() == before


def test_a_patch_is_json_and_no_form(gallery_client):
    answer = gallery_client.patch(GALLERY, files={"max_templates": (None, "2")})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.content_type")
    assert "application/merge-patch+json" in answer.json()["detail"]


def test_a_deleted_gallery_is_gone_with_its_subjects(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    answer = gallery_client.delete(GALLERY)
    assert (answer.status_code, answer.content) == (204, b"")
    for path in (GALLERY, f"{GALLERY}/subjects", f"{GALLERY}/subjects/ann"):
        answer = gallery_client.get(path)
        assert answer.status_code == 404
        assert "staff" in answer.json()["detail"]
    assert gallery_client.delete(GALLERY).status_code == 404


def test_what_is_known_is_not_sent_again_until_somebody_is_enrolled(gallery_client):
    tag = gallery_client.get(GALLERY).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = gallery_client.get(GALLERY, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    enroll(gallery_client, "ben", shot(BEN))
    answer = gallery_client.get(GALLERY, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["subjects"]) == (200, 1)


def test_a_gallery_that_was_changed_meanwhile_is_not_changed_or_deleted(gallery_client):
    stale = gallery_client.get(GALLERY).headers["etag"]
    fresh = gallery_client.patch(GALLERY, json={"max_templates": 2}).headers["etag"]
    for method, body in (("PATCH", {"json": {"max_templates": 9}}), ("DELETE", {})):
        answer = gallery_client.request(method, GALLERY, headers={"If-Match": stale}, **body)
        assert (answer.status_code, answer.json()["code"]) == (412, "gallery.version")
    assert gallery_client.get(GALLERY).json()["max_templates"] == 2
    # people who were enrolled meanwhile are no change of the gallery itself
    enroll(gallery_client, "ann", shot(ANN))
    answer = gallery_client.patch(GALLERY, json={"max_templates": 3}, headers={"If-Match": fresh})
    assert answer.status_code == 200
    version = f'"{answer.json()["version"]}"'
    assert gallery_client.delete(GALLERY, headers={"If-Match": version}).status_code == 204


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"abc"', 412),
        ('"1"', 412),
        ('"99999999999999999999999"', 412),
        ('""', 412),
        ("abc", 422),
        ("", 422),
        ('W/"1"', 422),
        ('"1", "2"', 422),
        ('"', 422),
        ("**", 422),
    ],
)
def test_a_tag_that_is_none_of_ours_changes_nothing(gallery_client, tag, status):
    answer = gallery_client.delete(GALLERY, headers={"If-Match": tag})
    assert answer.status_code == status
    assert gallery_client.get(GALLERY).status_code == 200


def test_any_version_will_do_where_any_is_asked_for(gallery_client):
    assert gallery_client.delete(GALLERY, headers={"If-Match": "*"}).status_code == 204


@pytest.mark.parametrize("tag", ["abc", '"', "W/abc", '"a" "b"'])
def test_a_malformed_condition_is_refused(gallery_client, tag):
    answer = gallery_client.get(GALLERY, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.entity_tag")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", GALLERIES, "GET, POST"),
        ("POST", GALLERY, "DELETE, GET, PATCH"),
        ("GET", f"{GALLERY}:identify", "POST"),
        ("GET", f"{GALLERY}/subjects:batch", "POST"),
        ("DELETE", f"{GALLERY}/subjects/a:verify", "POST"),
        ("PUT", f"{GALLERY}/subjects/a/templates/1", "DELETE, GET"),
    ],
)
def test_wrong_methods_name_the_right_ones(gallery_client, method, path, allowed):
    answer = gallery_client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", [f"{GALLERY}:find", f"{GALLERY}/people", f"{GALLERIES}/a/b/c"])
def test_unknown_addresses_below_a_gallery(gallery_client, path):
    answer = gallery_client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")
