from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from ood_face.errors import ConfigError
from ood_face.monitoring.drift_webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = {"event": "drift", "signal": "ood_score", "state": "drifted"}


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent; answers with one status, a redirect to itself among them."""

    def __init__(self) -> None:
        self.status = 204
        self.received: list[tuple[str, str, object]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_arrives_as_json(receiver):
    assert Webhook(f"{receiver.url}/drift?site=3", ["127.0.0.1"]).post(MESSAGE)
    assert receiver.received == [("/drift?site=3", "application/json", MESSAGE)]


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_a_redirect_is_not_followed_and_a_refusal_only_logged(receiver, caplog, status):
    receiver.status = status
    assert not Webhook(f"{receiver.url}/secret", ["127.0.0.1"]).post(MESSAGE)
    assert len(receiver.received) == 1
    assert f"drift webhook on 127.0.0.1 answered {status}" in caplog.text
    assert "secret" not in caplog.text


def test_a_host_that_does_not_answer_is_only_logged(receiver, caplog):
    url = receiver.url
    receiver.server_close()
    assert not Webhook(f"{url.rpartition(':')[0]}:9", ["127.0.0.1"], timeout_s=2).post(MESSAGE)
    assert "drift webhook on 127.0.0.1 failed" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "alerts.example/drift",
        "ftp://alerts.example/drift",
        "file:///etc/passwd",
        "https://",
        "https://me:secret@alerts.example/",
        "https://alerts.example:99999/",
        "https://alerts.example/a b",
        "https://alerts.example/\r\nX: y",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigError, match="OOD_FACE_DRIFT_WEBHOOK_URL must be") as caught:
        Webhook(url, ["alerts.example"])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://alerts.example.evil/",
        "https://sub.alerts.example/",
        "http://127.0.0.1/",
        "http://[::1]/",
    ],
)
def test_a_host_must_be_allowed_exactly(url):
    with pytest.raises(ConfigError, match=r"does not allow; allowed: alerts\.example"):
        Webhook(url, ["alerts.example"])


def test_without_allowed_hosts_none_is():
    with pytest.raises(ConfigError, match="allowed: -"):
        Webhook("https://alerts.example/", [])
