from __future__ import annotations

import json

import pytest

from ood_face.errors import StorageFullError
from tests.fakes import FullAdmission, fake_gallery_service, fake_service, picture, png
from tests.fakes.galleries import FakeGallery, FakeGalleryStore, Memory
from tests.unit.api.people import ANN, BEN, CAT, SUBJECTS, dim_shot, enroll, in_base64, shot


def test_a_person_is_enrolled_by_a_form_with_several_pictures(gallery_client):
    answer = gallery_client.post(
        SUBJECTS,
        data={"subject_id": "ann", "name": "Ann", "metadata": '{"floor": 3}'},
        files=[("image", ("1.png", shot(ANN))), ("image", ("2.png", shot(ANN, 60)))],
    )
    assert answer.status_code == 201
    body = answer.json()
    assert body["created"]
    assert [picture["status"] for picture in body["pictures"]] == ["enrolled", "enrolled"]
    assert body["pictures"][0]["ood_score"] == pytest.approx(510 / 765)
    assert body["pictures"][0]["quality_level"] == "good"
    subject = body["subject"]
    assert (subject["subject_id"], subject["name"]) == ("ann", "Ann")
    assert subject["metadata"] == {"floor": 3}
    ids = [template["template_id"] for template in subject["templates"]]
    assert ids == [picture["template_id"] for picture in body["pictures"]]
    assert "feature" not in answer.text

    found = gallery_client.get(answer.headers["location"])
    assert found.json() == subject
    assert found.headers["etag"] == answer.headers["etag"] == f'"{subject["version"]}"'


@pytest.mark.parametrize("one", [True, False])
def test_a_person_is_enrolled_by_json(gallery_client, one):
    image = in_base64(shot(ANN))
    body = {"subject_id": "ann", "image": image if one else [image], "metadata": {"a": [1, None]}}
    answer = gallery_client.post(SUBJECTS, json=body)
    assert answer.status_code == 201
    assert answer.json()["subject"]["metadata"] == {"a": [1, None]}
    assert len(answer.json()["subject"]["templates"]) == 1


def test_a_person_may_be_known_before_there_is_a_picture(gallery_client):
    subject = enroll(gallery_client, "李-1@x").json()["subject"]
    assert (subject["templates"], subject["name"], subject["metadata"]) == ([], None, {})
    assert gallery_client.get(f"{SUBJECTS}/李-1@x").json() == subject


def test_the_address_of_a_subject_is_sound_whatever_its_script(gallery_client):
    location = enroll(gallery_client, "李 伟".replace(" ", "+")).headers["location"]
    assert location.isascii()
    assert gallery_client.get(location).json()["subject_id"] == "李+伟"


@pytest.mark.parametrize(
    ("pictures", "field", "code"),
    [
        ([shot(ANN), b""], "image[1]", "image.empty"),
        ([png(0 * picture(40)), shot(ANN)], "image[0]", "face.none"),
        ([shot(ANN), shot(ANN, 60), dim_shot(ANN)], "image[2]", "enroll.low_quality"),
        ([png(picture(40, 40))], "image", "face.several"),
        ([b""], "image", "image.empty"),
    ],
)
def test_an_error_names_the_picture_to_blame_and_nobody_is_enrolled(
    gallery_client, pictures, field, code
):
    answer = enroll(gallery_client, "ann", *pictures)
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["field"] == field
    assert problem["detail"].startswith(f"{field}: ")
    assert problem["code"] == code
    assert gallery_client.get(f"{SUBJECTS}/ann").status_code == 404


def test_base64_that_is_none_is_named(gallery_client):
    body = {"subject_id": "ann", "image": [in_base64(shot(ANN)), "@@@"]}
    problem = gallery_client.post(SUBJECTS, json=body).json()
    assert problem["code"] == "request.bad_base64"
    assert "image[1]" in problem["detail"]


def test_a_face_that_belongs_to_another_is_refused_unless_forced(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    answer = enroll(gallery_client, "eve", shot(ANN, 60))
    assert (answer.status_code, answer.json()["code"]) == (409, "enroll.duplicate_face")
    assert "ann" in answer.json()["detail"]
    forced = enroll(gallery_client, "eve", shot(ANN, 60), force=True)
    assert forced.status_code == 201
    [other] = forced.json()["near_duplicates"]
    assert other["subject_id"] == "ann"
    assert other["similarity"] > 0.9


def test_an_id_that_is_taken_is_refused(gallery_client):
    enroll(gallery_client, "ann", shot(ANN))
    answer = enroll(gallery_client, "ann", shot(BEN))
    assert (answer.status_code, answer.json()["code"]) == (409, "gallery.duplicate_subject")


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"subject_id": "a/b"}, "subject.id", ["128"]),
        ({"subject_id": "a:b"}, "subject.id", []),
        ({"subject_id": "x" * 129}, "subject.id", []),
        ({"subject_id": None}, "subject.id", []),
        ({"subject_id": "\ud800"}, "subject.id", []),
        ({"subject_id": 7}, "request.not_text", ["subject_id"]),
        ({"name": ""}, "subject.name", ["200"]),
        ({"name": "x" * 201}, "subject.name", ["200", "201"]),
        ({"name": "\udc80"}, "subject.name_text", []),
        ({"metadata": [1]}, "request.not_json_object", ["metadata"]),
        ({"metadata": "{}"}, "request.not_json_object", ["metadata"]),
        ({"metadata": {"a": "x" * 16_400}}, "subject.metadata_size", ["16384"]),
        ({"metadata": {"a": "\ud800"}}, "subject.metadata", []),
        ({"force": "true"}, "request.not_flag", ["force"]),
        ({"image": {"a": 1}}, "request.not_list", ["image"]),
        ({"image": [5]}, "request.bad_base64", ["image"]),
        ({"image": [""] * 21}, "request.many_pictures", ["20", "21"]),
        ({"age": 5}, "request.field_names", ["'age'", "image (any number)"]),
    ],
)
def test_bad_fields_are_refused_with_what_is_wrong(gallery_client, fields, code, words):
    content = json.dumps({"subject_id": "ann", **fields})
    answer = gallery_client.post(
        SUBJECTS, content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    for word in words:
        assert word in answer.json()["detail"]
    assert gallery_client.get(SUBJECTS).json()["subjects"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "request.name_twice"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', "request.name_twice"),
        ('{"a": NaN}', "request.bad_json"),
        ('{"a": 1e999}', "subject.metadata"),
        ("[]", "request.not_object"),
        ("{", "request.bad_json"),
        ('{"a":' * 9 + "1" + "}" * 9, "subject.metadata_depth"),
        ('{"a":' * 90 + "1" + "}" * 90, "request.json_depth"),
        ('{"a":' * 990 + "1" + "}" * 990, "request.json_depth"),
    ],
)
def test_metadata_of_a_form_are_read_with_care(gallery_client, text, code):
    files = {"subject_id": (None, "ann"), "metadata": (None, text)}
    answer = gallery_client.post(SUBJECTS, files=files)
    assert answer.status_code == 422
    assert answer.json()["code"] == code


def test_eight_levels_of_metadata_are_kept(gallery_client):
    text = '{"a":' * 8 + "1" + "}" * 8
    files = {"subject_id": (None, "ann"), "metadata": (None, text)}
    answer = gallery_client.post(SUBJECTS, files=files)
    assert answer.json()["subject"]["metadata"] == json.loads(text)


def test_pictures_that_are_too_many_together_are_refused(gallery_client):
    # each within the limit of a million pixels, three of them beyond twice as much
    large = png(picture(700, colour=ANN, height_px=1000))
    answer = enroll(gallery_client, "ann", large, large, large)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.many_pixels")
    assert "2000000" in answer.json()["detail"]
    assert answer.json()["field"] == "image[2]"


def test_subjects_come_in_pages_by_id(gallery_client):
    for subject_id in ("c", "a+b", "a", "d"):
        enroll(gallery_client, subject_id)
    seen, address = [], f"{SUBJECTS}?limit=3"
    while address:
        answer = gallery_client.get(address)
        seen.append([subject["subject_id"] for subject in answer.json()["subjects"]])
        address = answer.links.get("next", {}).get("url")
    assert seen == [["a", "a+b", "c"], ["d"]]
    answer = gallery_client.get(SUBJECTS, params={"after": "a+b", "limit": 1})
    assert answer.json()["next"] == "c"


def test_a_merge_patch_changes_what_it_names(gallery_client):
    path = f"{SUBJECTS}/ann"
    enroll(gallery_client, "ann", name="Ann", metadata={"a": {"b": 1, "c": 2}, "d": 3})
    patched = gallery_client.patch(
        path,
        content=json.dumps({"metadata": {"a": {"b": None, "e": 4}, "d": None, "f": {"g": 1}}}),
        headers={"Content-Type": "application/merge-patch+json"},
    ).json()
    assert patched["name"] == "Ann"
    assert patched["metadata"] == {"a": {"c": 2, "e": 4}, "f": {"g": 1}}
    assert gallery_client.patch(path, json={"name": None}).json()["name"] is None
    emptied = gallery_client.patch(path, json={"metadata": None, "name": "A."}).json()
    assert (emptied["metadata"], emptied["name"]) == ({}, "A.")
    assert gallery_client.get(path).json() == emptied


def test_a_patch_takes_effect_unless_somebody_was_faster(gallery_client):
    path = f"{SUBJECTS}/ann"
    stale = enroll(gallery_client, "ann", name="Ann").headers["etag"]
    fresh = gallery_client.patch(path, json={"name": "B"}, headers={"If-Match": stale})
    assert fresh.status_code == 200
    late = gallery_client.patch(path, json={"name": "C"}, headers={"If-Match": stale})
    assert (late.status_code, late.json()["code"]) == (412, "gallery.version")
    assert gallery_client.delete(path, headers={"If-Match": stale}).status_code == 412
    assert gallery_client.get(path).json()["name"] == "B"
    same = gallery_client.get(path, headers={"If-None-Match": fresh.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    done = gallery_client.delete(path, headers={"If-Match": fresh.headers["etag"]})
    assert (done.status_code, done.content) == (204, b"")
    assert gallery_client.get(path).status_code == 404


def test_a_patch_without_a_condition_is_made_on_what_is_there(
    gallery_client_of, service, monkeypatch
):
    memory = Memory()
    galleries = fake_gallery_service(service, store=FakeGalleryStore(memory))
    galleries.create_gallery("staff")
    client = gallery_client_of(galleries)
    enroll(client, "ann", metadata={"a": 1})
    read = FakeGallery.subject
    overtaken = []

    def read_and_be_overtaken(self, subject_id):
        found = read(self, subject_id)
        if not overtaken:
            overtaken.append(subject_id)
            client.patch(f"{SUBJECTS}/ann", json={"metadata": {"b": 2}})
        return found

    monkeypatch.setattr(FakeGallery, "subject", read_and_be_overtaken)
    answer = client.patch(f"{SUBJECTS}/ann", json={"metadata": {"c": 3}})
    assert answer.json()["metadata"] == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_subjects_are_not_found(gallery_client, method):
    body = {"json": {"name": "x"}} if method == "PATCH" else {}
    answer = gallery_client.request(method, f"{SUBJECTS}/nobody", **body)
    assert (answer.status_code, answer.json()["code"]) == (404, "gallery.no_subject")


def test_a_scenario_decides_what_quality_is_enough(gallery_client):
    assert enroll(gallery_client, "ann", shot(ANN), scenario="nowhere").status_code == 404
    assert enroll(gallery_client, "ann", shot(ANN), scenario="gate").status_code == 201


def test_a_full_disk_is_said_without_telling_its_path(gallery_client_of, service):
    class FullGallery(FakeGallery):
        def create_subject(self, *_args):
            raise StorageFullError("storage.full", "no space for {file}", file="/secret/db")

    class FullStore(FakeGalleryStore):
        def open(self, name):
            opened = super().open(name)
            return FullGallery(opened._memory, opened._content)

    galleries = fake_gallery_service(service, store=FullStore())
    galleries.create_gallery("staff")
    answer = enroll(gallery_client_of(galleries), "ann", shot(ANN))
    assert answer.status_code == 507
    assert answer.json()["code"] == "request.disk_full"
    assert "secret" not in answer.text


def test_a_service_that_is_busy_says_when_to_come_back(gallery_client_of):
    galleries = fake_gallery_service(fake_service(admission=FullAdmission()))
    galleries.create_gallery("staff")
    answer = enroll(gallery_client_of(galleries), "cat", shot(CAT))
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


def test_who_changed_what_is_noted_with_the_request(gallery_client, audit):
    enroll(gallery_client, "ann", shot(ANN), headers={"X-Request-ID": "r-7"})
    gallery_client.delete(f"{SUBJECTS}/ann")
    assert [outcome for outcome in audit.outcomes() if outcome[0] in ("enroll", "delete")] == [
        ("enroll", "enrolled"),
        ("delete", "ok"),
    ]
    caller, _ = audit.noted[1]
    assert (caller.name, caller.request_id) == ("open", "r-7")
