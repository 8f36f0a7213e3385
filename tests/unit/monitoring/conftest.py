from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from ood_face.monitoring import SqliteReviewQueue
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_queue(tmp_path, clock) -> Iterator[Callable[..., SqliteReviewQueue]]:
    """Return what opens the queue of one folder, again and again."""
    with ExitStack() as opened:

        def make(**options: object) -> SqliteReviewQueue:
            given = {"most_items": 1000, "keep_days": 30, "now": clock} | options
            queue = SqliteReviewQueue(tmp_path, **given)
            opened.callback(queue.close)
            return queue

        yield make


@pytest.fixture
def queue(open_queue) -> SqliteReviewQueue:
    return open_queue()
