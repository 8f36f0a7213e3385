"""What the real server holds stays the same while it answers; ``make soak`` is the long version."""

from __future__ import annotations

import pytest

from tests.benchmark.load_pictures import Shape
from tests.benchmark.load_requests import make_requests
from tests.benchmark.load_server import enrol, loaded_server
from tests.benchmark.soak import soak
from tests.benchmark.soak_trend import Held, trend_of

REQUESTS = 300
# small, so that this takes seconds; of several formats, which have decoders of their own
SHAPES = (Shape(160, 120, "JPEG"), Shape(200, 260, "PNG"), Shape(320, 240, "WEBP"))
# connections and threads that are kept for the next request; a leak would make some of each
SPARE = 12


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    with loaded_server(tmp_path_factory.mktemp("leak")) as server:
        enrol(server.address, copies=2)
        for seen in soak(server, make_requests(SHAPES), REQUESTS, round_size=50):
            last = seen
        return last, server.faults()


def test_every_request_is_answered_and_none_meets_a_defect(seen):
    seen, faults = seen
    assert sum(seen.statuses.values()) == REQUESTS
    assert set(seen.statuses) <= {200, 201}
    assert faults == []


@pytest.mark.parametrize("name", ["descriptors", "threads"])
def test_neither_descriptors_nor_threads_leak(seen, name):
    held = seen[0].held
    settled = getattr(held[1], name)
    assert max(getattr(each, name) for each in held[1:]) - settled < SPARE


def test_a_trend_tells_what_grows_from_what_goes_up_and_down():
    at = list(range(100, 2100, 100))
    grows = trend_of(at, [500 + 0.05 * each for each in at])
    assert grows.growth == pytest.approx(90)
    assert not grows.is_flat(0.05)
    wavers = trend_of(at, [500 + (each // 100) % 2 for each in at])
    assert wavers.is_flat(0.05)
    peak = trend_of(at, [500.0] * 10 + [600.0] + [500.0] * 9)
    assert not peak.is_flat(0.05)
    assert peak.is_flat(0.05, spare=80)


def test_what_stays_up_is_told_from_a_peak_where_several_are_looked_at_together():
    at = [100 * (place + 1) for place in range(40)]
    peak = trend_of(at, [500.0] * 20 + [600.0] + [500.0] * 19, together=10)
    assert (peak.largest, peak.highest) == (600.0, pytest.approx(510.0))
    assert peak.is_flat(0.05)
    stays = trend_of(at, [500.0] * 15 + [600.0] * 10 + [500.0] * 15, together=10)
    assert stays.highest == pytest.approx(600.0)
    assert not stays.is_flat(0.05)
    few = trend_of([100, 200, 300], [1.0, 2.0, 3.0], together=10)
    assert few.highest == pytest.approx(2.0)


def test_what_was_before_a_tenth_of_the_requests_does_not_count():
    at = list(range(100, 2100, 100))
    assert trend_of(at, [100.0, *[500.0] * 19]).is_flat(0.0, spare=1e-6)
    with pytest.raises(ValueError, match="two"):
        trend_of([100], [1.0])


def test_what_a_process_holds_is_read_between_requests(seen):
    first = seen[0].held[0]
    assert isinstance(first, Held)
    assert first.requests == 50
    assert first.resident_mb > 100
    assert first.descriptors > 5
    assert first.threads > 2
