from __future__ import annotations

import pytest

from webui.signin_sessions import SESSION_S, Attempts, Sessions

ADDRESS = "192.0.2.7"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_token_leads_to_its_key_until_the_session_ends(clock):
    sessions = Sessions(clock)
    first, second = sessions.begin("one"), sessions.begin("two")

    assert (sessions.key_id(first), sessions.key_id(second)) == ("one", "two")
    sessions.end(first)
    assert (sessions.key_id(first), sessions.key_id(second)) == (None, "two")


def test_a_session_is_over_after_twelve_hours(clock):
    sessions = Sessions(clock)
    token = sessions.begin("one")

    clock.now_s += SESSION_S - 1
    assert sessions.key_id(token) == "one"
    clock.now_s += 1
    assert sessions.key_id(token) is None


def test_tokens_are_long_random_and_not_kept(clock):
    sessions = Sessions(clock)
    tokens = {sessions.begin("one") for _ in range(100)}

    assert len(tokens) == 100
    assert min(len(token) for token in tokens) >= 43
    assert not any(token in repr(vars(sessions)) for token in tokens)


@pytest.mark.parametrize("token", ["", "x", "\udcff", "é" * 5000])
def test_what_is_no_token_is_nobody(clock, token):
    sessions = Sessions(clock)
    sessions.begin("one")

    assert sessions.key_id(token) is None
    sessions.end(token)


def test_the_oldest_session_ends_where_there_are_too_many(clock):
    sessions = Sessions(clock)
    first = sessions.begin("first")
    rest = [sessions.begin("later") for _ in range(1000)]

    assert sessions.key_id(first) is None
    assert sessions.key_id(rest[0]) == sessions.key_id(rest[-1]) == "later"


def test_wrong_keys_are_answered_slower_and_slower_and_then_refused(clock):
    attempts = Attempts(clock)
    waits = [attempts.begin(ADDRESS) for _ in range(21)]

    assert waits[:6] == [0, 0, 0.5, 1, 2, 4]
    assert waits[6:20] == [8.0] * 14
    assert waits[20] is None


def test_a_refused_address_may_try_again_after_a_quarter_of_an_hour(clock):
    attempts = Attempts(clock)
    for _ in range(20):
        attempts.begin(ADDRESS)

    clock.now_s += 600
    assert attempts.begin(ADDRESS) is None
    clock.now_s += 301
    assert attempts.begin(ADDRESS) == 0


def test_a_right_key_clears_the_address_and_others_are_not_slowed(clock):
    attempts = Attempts(clock)
    for _ in range(5):
        attempts.begin(ADDRESS)

    assert attempts.begin("192.0.2.8") == 0
    attempts.succeeded(ADDRESS)
    assert attempts.begin(ADDRESS) == 0


def test_only_so_many_addresses_are_remembered(clock):
    attempts = Attempts(clock)
    for number in range(10_050):
        attempts.begin(f"address {number}")

    assert len(attempts._failed) == 10_000
