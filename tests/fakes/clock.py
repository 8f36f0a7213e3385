"""A clock that stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """UTC time when called; seconds, as a monotonic clock, by ``seconds``."""

    def __init__(self) -> None:
        self.start = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.now = self.start

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return (self.now - self.start).total_seconds()

    def advance(self, **step: float) -> None:
        self.now += timedelta(**step)
