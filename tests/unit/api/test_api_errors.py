from __future__ import annotations

import pytest

import ood_face.api.errors
import ood_face.errors
from ood_face.api.errors import STATUS_OF, status_of
from ood_face.errors import OodFaceError
from tests.fakes import FakeDetector, fake_service, picture, png

FILES = {"image": ("a.png", png(picture(40)))}


def every_class(above: type[OodFaceError]) -> list[type[OodFaceError]]:
    return [
        cls
        for below in above.__subclasses__()
        for cls in [below, *every_class(below)]
        if cls.__module__ in ("ood_face.errors", "ood_face.api.errors")
    ]


class Failing(FakeDetector):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def detect(self, image):  # noqa: ARG002 - a port's argument
        raise self.error


def test_every_class_is_in_the_table():
    assert set(every_class(OodFaceError)) == set(STATUS_OF)


@pytest.mark.parametrize("cls", every_class(OodFaceError))
def test_every_class_answers_its_status_and_tells_nothing_from_inside(client_of, cls):
    error = cls("some.key", "what happened in {place}", place="/secret/place")
    with client_of(fake_service(detector=Failing(error))) as client:
        answer = client.post("/v1/extract", files=FILES)
    assert answer.status_code == STATUS_OF[cls] == status_of(error)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    from_inside = issubclass(
        cls,
        ood_face.errors.ArtifactError | ood_face.errors.ConfigError | ood_face.errors.BackendError,
    ) and not issubclass(cls, ood_face.errors.BusyError)
    assert ("secret" in answer.text) != from_inside
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)


def test_a_class_that_comes_later_has_the_status_of_the_one_above():
    class Later(ood_face.errors.ImageTooLargeError):
        pass

    assert status_of(Later("a", "b")) == 413


def test_a_defect_answers_500_and_tells_nothing(client_of, caplog):
    with client_of(fake_service(detector=Failing(ZeroDivisionError("secret")))) as client:
        answer = client.post("/v1/extract", files=FILES, headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "request.failed"
    assert answer.json()["request_id"] == "abc-1"
    assert "secret" not in answer.text
    assert "abc-1 met a defect: ZeroDivisionError" in caplog.text
