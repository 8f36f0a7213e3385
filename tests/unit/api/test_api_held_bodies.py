"""The bound on what all bodies take together, and who leaves before the answer."""

from __future__ import annotations

import asyncio
import json

import pytest

from ood_face.api.departures import Departures
from ood_face.api.held_bodies import HeldBodies
from ood_face.ports.departure import CALLER

LIMIT = 100


class Visit:
    """One request to an application: hands it messages as they are put, keeps what it sends."""

    def __init__(self, app, path="/v1/extract"):
        self.messages = asyncio.Queue()
        self.sent = []
        scope = {"type": "http", "path": path, "method": "POST", "headers": [], "state": {}}
        self.task = asyncio.create_task(app(scope, self.messages.get, self._send))

    async def _send(self, message):
        self.sent.append(message)

    async def put(self, body, more):
        self.messages.put_nowait({"type": "http.request", "body": body, "more_body": more})
        for _ in range(20):
            await asyncio.sleep(0)

    async def leave(self):
        self.messages.put_nowait({"type": "http.disconnect"})
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def status(self):
        return self.sent[0]["status"] if self.sent else None


async def answering(_scope, receive, send):
    """Read the body, and answer when it has come."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def misunderstanding(_scope, receive, send):
    """Answer every error of the body as a malformed one, as the page's framework does."""
    try:
        await receive()
        status = 200
    except Exception:  # noqa: BLE001 - that is what it does
        status = 400
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"?"})


def run(story):
    asyncio.run(story())


def test_a_body_past_what_all_may_take_is_refused_until_others_are_answered():
    async def story():
        app = HeldBodies(answering, LIMIT)
        first = Visit(app)
        await first.put(bytes(60), more=True)
        second = Visit(app)
        await second.put(bytes(41), more=False)
        with pytest.raises(Exception, match="100 bytes already"):
            await second.task
        await first.put(bytes(40), more=False)
        await first.task
        assert first.status == 200
        third = Visit(app)
        await third.put(bytes(LIMIT), more=False)
        await third.task
        assert third.status == 200

    run(story)


def test_what_a_framework_takes_for_malformed_is_answered_503_all_the_same():
    async def story():
        app = HeldBodies(misunderstanding, LIMIT)
        visit = Visit(app, "/gradio_api/run/predict")
        await visit.put(bytes(LIMIT + 1), more=False)
        await visit.task
        assert [message["type"] for message in visit.sent] == [
            "http.response.start",
            "http.response.body",
        ]
        assert visit.status == 503
        assert (b"retry-after", b"1") in visit.sent[0]["headers"]
        assert json.loads(visit.sent[1]["body"])["code"] == "busy.bodies"

    run(story)


def test_a_caller_that_leaves_in_the_middle_of_its_body_holds_nothing():
    async def story():
        app = HeldBodies(answering, LIMIT)
        gone = Visit(app)
        await gone.put(bytes(LIMIT), more=True)
        await gone.leave()
        await gone.task
        other = Visit(app)
        await other.put(bytes(LIMIT), more=False)
        await other.task
        assert other.status == 200

    run(story)


def test_batches_have_bounds_of_their_own():
    async def story():
        visit = Visit(HeldBodies(answering, LIMIT), "/v1/galleries/staff/subjects:batch")
        await visit.put(bytes(2 * LIMIT), more=False)
        await visit.task
        assert visit.status == 200

    run(story)


def test_a_caller_that_leaves_after_its_body_is_noticed():
    seen = []

    async def working(_scope, receive, _send):
        await receive()
        with CALLER.get().told(lambda: seen.append("left")):
            seen.append(await receive())

    async def story():
        visit = Visit(Departures(working))
        await visit.put(b"all", more=False)
        assert seen == []
        await visit.leave()
        await visit.task
        assert seen == ["left", {"type": "http.disconnect"}]

    run(story)
    assert CALLER.get() is None


def test_who_streams_an_answer_may_wait_for_the_caller_to_leave():
    # as Starlette does, in a task of its own
    async def streaming(scope, receive, send):
        await receive()
        left = asyncio.create_task(receive())
        await answering(scope, _nothing_more, send)
        assert await left == {"type": "http.disconnect"}

    async def story():
        visit = Visit(Departures(streaming))
        await visit.put(b"all", more=False)
        await visit.task
        assert visit.status == 200

    run(story)


async def _nothing_more():
    return {"type": "http.request"}


def test_whoever_has_the_answer_has_not_left():
    seen = []

    async def working(scope, receive, send):
        await answering(scope, receive, send)
        with CALLER.get().told(lambda: seen.append("left")):
            await asyncio.sleep(0.01)

    async def story():
        visit = Visit(Departures(working))
        await visit.put(b"all", more=False)
        await visit.leave()
        await visit.task
        assert visit.status == 200
        assert seen == []

    run(story)
