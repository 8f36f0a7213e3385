"""Who a server takes its client for: what a proxy says counts if it is one of the settings'."""

from __future__ import annotations

import json

import httpx
import pytest

from ood_face.config import Settings
from tests.integration.threaded_server import running
from webui.http_server import StoppableServer

FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}


async def who(scope, _receive, send):
    """Answer who asks, and how."""
    if scope["type"] != "http":
        return
    body = json.dumps([scope["client"][0], scope["scheme"]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def seen_by_a_server(**settings: object) -> list[str]:
    """Return address and scheme of a request that comes from 127.0.0.1 and says otherwise."""
    server = StoppableServer(who, Settings(_env_file=None, **settings))
    with running(server) as port:
        found: list[str] = httpx.get(f"http://127.0.0.1:{port}", headers=FORWARDED).json()
    return found


@pytest.mark.parametrize("proxies", ["127.0.0.1,::1", "10.1.0.0/16, 127.0.0.0/8"])
def test_a_proxy_of_the_settings_is_believed(proxies):
    assert seen_by_a_server(trusted_proxies=proxies) == ["198.51.100.7", "https"]


@pytest.mark.parametrize("proxies", ["192.0.2.1", "10.1.0.0/16"])
def test_nobody_else_is(proxies):
    assert seen_by_a_server(trusted_proxies=proxies) == ["127.0.0.1", "http"]


def test_the_environment_has_no_second_say(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen_by_a_server(trusted_proxies="192.0.2.1") == ["127.0.0.1", "http"]
