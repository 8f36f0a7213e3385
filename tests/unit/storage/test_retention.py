"""What may be deleted where the clock may have jumped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ood_face.storage import Retention
from tests.fakes.clock import FakeClock

KEEP = timedelta(days=90)


class Store:
    """Things kept at certain times, and the two clocks of a server that keeps them."""

    def __init__(self):
        self.clock = FakeClock()
        self.seconds = 0.0
        self.kept = []
        self.restart()

    def restart(self):
        self.retention = Retention("store", KEEP, self.clock, lambda: self.seconds)

    def keep(self):
        self.kept.append(self.clock())

    def wait(self, **step):
        self.clock.advance(**step)
        self.seconds += timedelta(**step).total_seconds()

    def prune(self):
        """Delete what may be deleted; return how many things that is."""
        oldest = self.retention.oldest(self._newest_before)
        before = len(self.kept)
        self.kept = [at for at in self.kept if at >= oldest]
        return before - len(self.kept)

    def _newest_before(self, moment):
        return max((at for at in self.kept if at < moment), default=None)


@pytest.fixture
def store():
    """Return a store that got one thing a day for a hundred days, and is pruned each day."""
    store = Store()
    for _ in range(100):
        store.keep()
        store.prune()
        store.wait(days=1)
    return store


def test_what_is_too_old_goes_as_time_passes(store):
    store.prune()
    assert len(store.kept) == 90
    store.wait(days=30)
    assert store.prune() == 30


def test_a_clock_that_jumps_a_year_ahead_deletes_nothing(store, caplog):
    store.prune()
    store.clock.advance(days=365)
    assert store.prune() == 0
    assert store.prune() == 0
    assert caplog.text.count("the clock is 365 days ahead of the store") == 1


@pytest.mark.parametrize("kept_since", [False, True])
def test_nor_does_it_after_a_restart(store, kept_since):
    store.prune()
    store.clock.advance(days=365)
    if kept_since:
        store.keep()
    store.restart()
    assert store.prune() == 0
    store.wait(hours=23)
    assert store.prune() == 0


def test_meanwhile_time_goes_on_from_where_it_was(store):
    store.prune()
    store.clock.advance(days=365)
    store.prune()
    store.wait(hours=23)
    oldest = min(store.kept)
    assert store.prune() == 1
    assert oldest not in store.kept
    # the clock is set right again
    store.clock.advance(days=-365)
    store.wait(days=1)
    assert store.prune() == 1


def test_a_leap_is_believed_after_a_day(store):
    # a server that was off for a year keeps its promise, too
    store.prune()
    store.clock.advance(days=365)
    store.prune()
    store.wait(days=1)
    assert store.prune() == 90


def test_a_server_that_was_off_for_a_month_deletes_at_once(store):
    store.prune()
    store.clock.advance(days=30)
    store.restart()
    assert store.prune() == 30


def test_a_clock_that_is_set_back_deletes_less_and_is_believed(store):
    store.prune()
    store.clock.advance(days=-40)
    assert store.prune() == 0
    store.clock.advance(days=40)
    assert store.prune() == 0


def test_an_empty_store_believes_any_clock():
    store = Store()
    store.clock.advance(days=5000)
    assert store.prune() == 0
    assert store.retention.oldest(lambda _: None) == store.clock() - KEEP
