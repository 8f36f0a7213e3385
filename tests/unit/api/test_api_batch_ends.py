"""Batches that are delayed, fail under way, or are left by their caller."""

from __future__ import annotations

import asyncio
import json
import threading

from fastapi.testclient import TestClient

from ood_face.api import create_app
from ood_face.api.batches import BatchPlaces
from ood_face.api.served import Served
from ood_face.errors import BusyError, StorageFullError
from tests.fakes import FakeDetector, fake_gallery_service, fake_service
from tests.fakes.galleries import FakeGallery, FakeGalleryStore
from tests.unit.api.people import ANN, BEN, CAT, SUBJECTS, known, send_batch, shot, statuses

BATCH = f"{SUBJECTS}:batch"


def test_a_busy_service_delays_a_subject_and_refuses_none(gallery_client_of):
    class BusyAtFirst(FakeDetector):
        refusals = 1

        def detect(self, image):
            if self.refusals:
                self.refusals -= 1
                raise BusyError("busy.timeout", "no worker came free within {limit_s} s", limit_s=1)
            return super().detect(image)

    galleries = fake_gallery_service(fake_service(detector=BusyAtFirst()))
    galleries.create_gallery("staff")
    lines = send_batch(gallery_client_of(galleries), known("ann", shot(ANN)))
    assert statuses(lines) == [("ann", "created")]


def test_a_store_that_fails_under_way_ends_the_batch_and_says_so(gallery_client_of, service):
    class FullAtBen(FakeGallery):
        def create_subject(self, subject_id, *others):
            if subject_id == "ben":
                raise StorageFullError("storage.full", "no space for {file}", file="/secret/db")
            return super().create_subject(subject_id, *others)

    class FullStore(FakeGalleryStore):
        def open(self, name):
            opened = super().open(name)
            return FullAtBen(opened._memory, opened._content)

    galleries = fake_gallery_service(service, store=FullStore())
    galleries.create_gallery("staff")
    client = gallery_client_of(galleries)
    lines = send_batch(client, known("ann"), known("ben", shot(BEN)), known("cat", shot(CAT)))
    assert statuses(lines) == [("ann", "created")]
    summary = lines[-1]["summary"]
    assert (summary["complete"], summary["received"], summary["created"]) == (False, 3, 1)
    assert summary["code"] == "request.disk_full"
    assert "secret" not in json.dumps(lines)


def test_so_many_batches_at_once_and_no_more():
    async def enter_three() -> list[str]:
        places = BatchPlaces(2)
        held = [places.hold() for _ in range(3)]
        seen = []
        for place in held:
            try:
                await anext(place)
                seen.append("in")
            except BusyError as error:
                seen.append(error.key)
        await held[0].aclose()
        await anext(places.hold())
        return seen

    assert asyncio.run(enter_three()) == ["in", "in", "batch.busy"]


def test_a_place_is_free_again_after_each_batch(gallery_client):
    for _ in range(5):
        assert gallery_client.post(BATCH, json={"subjects": []}).status_code == 200
        assert gallery_client.post(BATCH, json={"subjects": 5}).status_code == 422


def test_a_caller_who_goes_away_lets_the_subject_in_hand_be_finished(service, settings):
    reached, go_on = threading.Event(), threading.Event()

    class Waiting(FakeGallery):
        def create_subject(self, subject_id, *others):
            if subject_id == "ben":
                reached.set()
                assert go_on.wait(20)
            return super().create_subject(subject_id, *others)

    class WaitingStore(FakeGalleryStore):
        def open(self, name):
            opened = super().open(name)
            return Waiting(opened._memory, opened._content)

    galleries = fake_gallery_service(service, store=WaitingStore())
    galleries.create_gallery("staff")
    app = create_app(Served(service, settings, galleries=galleries))
    body = json.dumps({"subjects": [known(one) for one in ("ann", "ben", "cat")]}).encode()

    async def hang_up() -> list[bytes]:
        sent: list[bytes] = []
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            while not reached.is_set():
                await asyncio.sleep(0.01)
            go_on.set()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": BATCH,
            "raw_path": BATCH.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(b"content-type", b"application/json")],
            "client": ("test", 1),
            "server": ("test", 80),
        }
        await app(scope, receive, send)
        return sent

    sent = asyncio.run(hang_up())
    assert b"summary" not in b"".join(sent)
    assert [one.subject_id for one in galleries.subjects("staff")] == ["ann", "ben"]
    # and their places are free again: more callers may go away than there are places
    for _ in range(3):
        asyncio.run(hang_up())
    assert TestClient(app).post(BATCH, json={"subjects": []}).status_code == 200
