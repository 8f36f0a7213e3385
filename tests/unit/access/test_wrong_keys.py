from __future__ import annotations

import pytest

from ood_face.access import WrongKeys, network_of
from ood_face.errors import RateLimitError


def tried(wrong: WrongKeys, address: str) -> bool:
    """Try once; return whether it was too often."""
    try:
        wrong.count(address)
    except RateLimitError:
        return True
    return False


def test_a_minutes_wrong_keys_are_told_as_such_and_the_next_is_told_to_wait(clock):
    wrong = WrongKeys(3, clock.seconds)
    assert [tried(wrong, "192.0.2.1") for _ in range(5)] == [False] * 3 + [True] * 2
    with pytest.raises(RateLimitError, match=r"more than 3 .* in 20\.0 seconds") as caught:
        wrong.count("192.0.2.1")
    assert caught.value.values["retry_after_s"] == pytest.approx(20)
    clock.advance(seconds=20.001)
    assert [tried(wrong, "192.0.2.1") for _ in range(2)] == [False, True]


def test_other_addresses_are_counted_on_their_own_and_a_network_of_ipv6_as_one(clock):
    wrong = WrongKeys(1, clock.seconds)
    first = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1", "?"]
    assert [tried(wrong, address) for address in first] == [False] * 5
    again = ["::ffff:192.0.2.1", "2001:db8:0:1:ffff::7", "2001:db8:0:2::2%eth0", "?"]
    assert [tried(wrong, address) for address in again] == [True] * 4


def test_no_more_addresses_are_remembered_than_have_room(clock):
    wrong = WrongKeys(1, clock.seconds)
    for number in range(10_001):
        wrong.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    # the first was forgotten for the last
    assert not tried(wrong, "10.0.0.0")
    assert tried(wrong, "10.0.39.16")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::a:b:c:d", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_what_stands_for_an_address(address, network):
    assert network_of(address) == network
