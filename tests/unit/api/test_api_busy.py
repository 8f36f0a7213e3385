"""A full service refuses before it works on a picture; a place is given back, come what may."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from tests.fakes import CountingAdmission, FullAdmission, fake_gallery_service, fake_service
from tests.fakes.galleries import FakeGalleryStore
from tests.unit.api.people import ANN, GALLERY, SUBJECTS, enroll, shot

NO_PICTURE = b"these are no pixels"
# path, fields, names of the pictures
ASKED = {
    "extract": ("/v1/extract", {}, ("image",)),
    "compare": ("/v1/compare", {}, ("image_a", "image_b")),
    "identify": (f"{GALLERY}:identify", {}, ("image",)),
    "verify": (f"{SUBJECTS}/ann:verify", {}, ("image",)),
    "enrol": (SUBJECTS, {"subject_id": "ben", "force": "true"}, ("image",)),
    "add": (f"{SUBJECTS}/ann/templates", {}, ("image",)),
}


@pytest.fixture(params=ASKED.values(), ids=ASKED)
def ask(request, gallery_client_of):
    path, fields, names = request.param
    store = FakeGalleryStore()
    fake_gallery_service(store=store).create_gallery("staff")
    enroll(gallery_client_of(fake_gallery_service(store=store)), "ann", shot(ANN))

    def ask(faces, picture):
        galleries = fake_gallery_service(faces, store)
        files = dict.fromkeys(names, ("a", picture))
        with gallery_client_of(galleries, faces) as client:
            return client.post(path, data=fields, files=files)

    return ask


class FilledMeanwhile(FullAdmission):
    """Has room when it is asked, and none any more when somebody wants in."""

    def check_room(self):
        pass

    @contextmanager
    def admit(self):
        super().check_room()
        yield


@pytest.mark.parametrize("admission", [FullAdmission(), FilledMeanwhile()], ids=["full", "filled"])
def test_a_full_service_does_not_even_look_at_the_picture(ask, admission):
    answer = ask(fake_service(admission=admission), NO_PICTURE)
    assert (answer.status_code, answer.json()["code"]) == (503, "runtime.busy")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("picture", [NO_PICTURE, shot(ANN, 56)], ids=["broken", "good"])
def test_one_place_is_taken_and_given_back(ask, picture):
    admission = CountingAdmission()
    answer = ask(fake_service(admission=admission), picture)
    assert answer.status_code in ((422,) if picture is NO_PICTURE else (200, 201))
    assert (admission.admitted, admission.inside) == (1, 0)


def test_a_subject_without_a_picture_takes_no_place(gallery_client_of):
    full = fake_service(admission=FullAdmission())
    galleries = fake_gallery_service(full)
    galleries.create_gallery("staff")
    with gallery_client_of(galleries, full) as client:
        answer = client.post(SUBJECTS, json={"subject_id": "cat"})
    assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/v1/extract", "/v1/compare", f"{GALLERY}:identify"])
def test_a_full_service_does_not_read_the_body(gallery_client_of, path):
    full = fake_service(admission=FullAdmission())
    galleries = fake_gallery_service(full)
    galleries.create_gallery("staff")
    with gallery_client_of(galleries, full) as client:
        # unreadable: it would be 415
        answer = client.post(path, content=b"?", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 503
