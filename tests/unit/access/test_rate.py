from __future__ import annotations

import threading

import pytest

from ood_face.access import RateLimiter
from ood_face.errors import RateLimitError


def wait_of(limiter: RateLimiter, key: str = "a", per_minute: int | None = None) -> float:
    with pytest.raises(RateLimitError) as caught:
        limiter.take(key, per_minute)
    wait_s = caught.value.values["retry_after_s"]
    assert isinstance(wait_s, float)
    return wait_s


def test_a_minutes_requests_pass_and_the_next_waits(clock):
    limiter = RateLimiter(6, clock.seconds)
    for _ in range(6):
        limiter.take("a")
    assert wait_of(limiter) == pytest.approx(10)


def test_who_waits_as_long_as_told_is_let_in_once(clock):
    limiter = RateLimiter(6, clock.seconds)
    for _ in range(6):
        limiter.take("a")
    clock.advance(seconds=4)
    assert wait_of(limiter) == pytest.approx(6)
    clock.advance(seconds=6.001)
    limiter.take("a")
    assert wait_of(limiter) == pytest.approx(9.999)


def test_a_long_rest_saves_up_no_more_than_a_minutes_requests(clock):
    limiter = RateLimiter(3, clock.seconds)
    limiter.take("a")
    clock.advance(days=1)
    for _ in range(3):
        limiter.take("a")
    assert wait_of(limiter) == pytest.approx(20)


def test_keys_do_not_use_up_each_others_requests(clock):
    limiter = RateLimiter(1, clock.seconds)
    limiter.take("a")
    limiter.take("b")
    assert wait_of(limiter, "a") == pytest.approx(60)
    assert wait_of(limiter, "b") == pytest.approx(60)


def test_a_keys_own_limit_counts_instead_of_the_common_one(clock):
    limiter = RateLimiter(100, clock.seconds)
    limiter.take("slow", 1)
    assert wait_of(limiter, "slow", 1) == pytest.approx(60)
    narrow = RateLimiter(1, clock.seconds)
    for _ in range(5):
        narrow.take("fast", 5)


def test_a_refused_request_costs_nothing(clock):
    limiter = RateLimiter(1, clock.seconds)
    limiter.take("a")
    assert [wait_of(limiter) for _ in range(3)] == pytest.approx([60] * 3)


def test_threads_get_no_more_than_the_limit_together(clock):
    limiter = RateLimiter(50, clock.seconds)
    passed: list[bool] = []

    def hammer() -> None:
        for _ in range(20):
            try:
                limiter.take("a")
            except RateLimitError:
                continue
            passed.append(True)

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 50
