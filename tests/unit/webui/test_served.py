"""What the page has for its visitors, and that nothing of it stays behind."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass

import pytest

from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.errors import ForbiddenError, InputError
from tests.fakes import fake_service
from webui.bundle_picker import drop_bundle, refused_slice, take_slice
from webui.catalogue import texts
from webui.served import PageServed

EN = texts("en")
ID = "0" * 32


@dataclass
class Request:
    """As much of Gradio's request as is looked at."""

    session_hash: str


@dataclass
class Event:
    """As much of Gradio's event as is looked at."""

    _data: object


@pytest.fixture
def served(tmp_path) -> PageServed:
    return PageServed.of(Served(fake_service(), Settings(data_dir=tmp_path)))


def slice_of(data: bytes, last: bool = True) -> Event:
    encoded = base64.b64encode(data).decode()
    part = {"file": 0, "name": "a/1.jpg", "offset": 0, "data": encoded}
    return Event({"bundle": ID, "last": last, "parts": [part]})


def take(served: PageServed, event: Event):
    return take_slice(served.bundles, Request("a"), event, EN)


def test_the_parts_of_the_server_are_the_same(served):
    other = PageServed.of(served)

    assert other.faces is served.faces
    assert other.settings is served.settings


def test_a_slice_is_answered_so_that_the_next_one_comes(served):
    received, update = take(served, slice_of(b"face", last=False))

    assert (received.files, received.complete) == (1, False)
    assert update["answer"] == {"bundle": ID, "files": 1, "size": 4, "complete": False}


def test_a_slice_that_is_refused_says_why_and_nothing_follows(served):
    received, update = take(served, Event({"bundle": ID, "last": "yes", "parts": []}))

    assert received is None
    assert "incompletely" in update["answer"]["problem"]
    denied = refused_slice(slice_of(b""), ForbiddenError("access.role_x", "no right"), EN)
    assert denied["answer"] == {"bundle": ID, "problem": "no right"}
    assert "answer" not in refused_slice(Event("nonsense"), ForbiddenError("x.y", "no"), EN)


def test_what_the_visitor_does_not_want_is_erased(served, tmp_path):
    take(served, slice_of(b"face"))
    drop_bundle(served.bundles, Request("b"), Event({"bundle": ID}))
    assert served.bundles.look("a", ID).names == ["a/1.jpg"]

    drop_bundle(served.bundles, Request("a"), Event({"bundle": ID}))
    drop_bundle(served.bundles, Request("a"), Event("nonsense"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_page_that_is_closed_takes_its_uploads_and_tasks_with_it(served, tmp_path):
    take(served, slice_of(b"face"))
    ended = threading.Event()
    begun = threading.Event()

    def work(progress) -> None:
        begun.set()
        while not progress.cancelled:
            ended.wait(0.001)

    job = served.jobs.start("a", work, ended.set)
    assert begun.wait(30)
    served.forget(Request("a"))

    assert ended.wait(30)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(InputError):
        served.jobs.look("a", job)


def test_a_server_erases_what_an_earlier_one_left_and_its_own(served, tmp_path):
    left = tmp_path / "uploads" / "old" / "0000"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"face")
    with served.kept_tidy():
        assert not left.exists()
        take(served, slice_of(b"face"))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert "page-sweeper" not in {thread.name for thread in threading.enumerate()}
