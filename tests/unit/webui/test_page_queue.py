"""How often the page's queue looks for events."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest

from ood_face.api.served import Served
from ood_face.config import Settings
from tests.fakes import fake_service
from webui import server


class _CountingLoop(asyncio.SelectorEventLoop):
    """Notes for how long its tasks want to sleep."""

    def __init__(self):
        super().__init__()
        self.asked_s: list[float] = []

    def call_later(self, delay, callback, *args, context=None):
        self.asked_s.append(delay)
        return super().call_later(delay, callback, *args, context=context)


def _asked_s(work: str) -> list[float]:
    # how long an endless task of the queue sleeps between its first looks, when nothing is there
    async def look(loop: _CountingLoop) -> None:
        app = server.build_app(Served(fake_service(), Settings()))
        (page,) = (
            route.app.get_blocks()
            for route in app.routes
            if isinstance(getattr(route, "app", None), gr.routes.App)
        )
        page._queue.active_jobs = [None]
        loop.asked_s.clear()
        task = asyncio.create_task(getattr(page._queue, work)())
        while len(loop.asked_s) < 2:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=_CountingLoop) as runner:
        loop = runner.get_loop()
        runner.run(look(loop))
        return loop.asked_s


@pytest.mark.parametrize(
    ("work", "least_s"), [("start_processing", 0.02), ("start_progress_updates", 0.1)]
)
def test_a_page_without_visitors_leaves_the_processor_to_the_api(work, least_s):
    assert min(_asked_s(work)) >= least_s
