from __future__ import annotations

import socket

import pytest

from ood_face.access import is_loopback_name, listens_beyond


@pytest.mark.parametrize(
    ("host", "beyond"),
    [
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("127.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("localhost", False),
        ("0.0.0.0", True),  # noqa: S104 - what it is about
        ("0", True),
        ("::", True),
        ("", True),
        ("192.168.1.7", True),
        ("::ffff:192.168.1.7", True),
        ("2001:db8::1", True),
        ("no-such-host.invalid", True),
        ("a" * 300, True),
    ],
)
def test_what_other_machines_reach(host, beyond):
    assert listens_beyond(host) is beyond


@pytest.mark.parametrize(
    ("addresses", "beyond"), [(["127.0.0.1", "10.0.0.1"], True), (["127.0.0.1", "::1"], False)]
)
def test_a_name_is_within_only_with_all_its_addresses(monkeypatch, addresses, beyond):
    def resolved(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (item, 0)) for item in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert listens_beyond("two-faced.example") is beyond


@pytest.mark.parametrize(
    "header",
    ["localhost", "LOCALHOST:7860", "localhost.:1", "127.0.0.1:7860", "127.0.0.1", "[::1]:80",
     "[::1]"],
)  # fmt: skip
def test_names_of_this_machine(header):
    assert is_loopback_name(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "evil.example:7860",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "localhost:evil",
        "[::1].evil.example",
        "192.168.1.7:7860",
        "0.0.0.0:7860",
        "2130706433",
    ],
)
def test_names_that_others_can_own(header):
    assert not is_loopback_name(header)
