"""The site for nginx fits the settings, the routes and the server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ood_face.api.app import _largest_body
from ood_face.api.batches import _TIMEOUT_S as BATCH_TIMEOUT_S
from ood_face.config import Settings

ROOT = Path(__file__).resolve().parents[3]
SITE = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
# without comments, and every block that is not nested
LINES = re.sub(r"^\s*#.*$", "", SITE, flags=re.MULTILINE)
DEFAULTS = Settings(_env_file=None)
MIB = 2**20
BATCH = "~ ^/v1/galleries/[^/:]+/subjects:batch$"


def location(name: str) -> str:
    """Return the content of a location."""
    (found,) = re.findall(rf"location {re.escape(name)} \{{(.*?)\n    \}}", LINES, re.DOTALL)
    return found


def server() -> str:
    """Return the directives of the TLS server that stand in no location."""
    site = LINES.rpartition("\nserver {")[2]
    return re.sub(r"location [^{]+\{.*?\n    \}", "", site, flags=re.DOTALL)


def value(name: str, text: str) -> str:
    """Return what a directive says."""
    (found,) = re.findall(rf"^\s*{name}\s+([^;]+);", text, re.MULTILINE)
    return found


def mib(text: str) -> int:
    assert text.endswith("m")
    return int(text[:-1])


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


def test_it_leads_to_the_address_that_the_settings_have() -> None:
    upstream = LINES.partition("upstream ood_face {")[2].partition("}")[0]

    assert value("server", upstream) == f"{DEFAULTS.host}:{DEFAULTS.port}"
    assert DEFAULTS.host in DEFAULTS.trusted_proxies.split(",")
    assert set(re.findall(r"proxy_pass (\S+);", LINES)) == {"http://ood_face"}


def test_no_connection_is_used_that_the_server_may_be_closing() -> None:
    upstream = LINES.partition("upstream ood_face {")[2].partition("}")[0]

    assert seconds(value("keepalive_timeout", upstream)) < DEFAULTS.keep_alive_s
    assert value("proxy_next_upstream", server()) == "off"


def test_what_the_server_takes_passes_and_not_much_more() -> None:
    limit = mib(value("client_max_body_size", server())) * MIB
    batch = mib(value("client_max_body_size", location(BATCH))) * MIB

    assert _largest_body(DEFAULTS) <= limit < _largest_body(DEFAULTS) + MIB
    assert DEFAULTS.max_batch_bytes <= batch < DEFAULTS.max_batch_bytes + MIB


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("/v1/galleries/staff/subjects:batch", True),
        ("/v1/galleries/staff/subjects", False),
        ("/v1/galleries/staff/subjects:batch/x", False),
        ("/v1/galleries/a/b/subjects:batch", False),
    ],
)
def test_the_long_times_and_sizes_are_for_batches_alone(path: str, long: bool) -> None:
    assert bool(re.search(BATCH.removeprefix("~ "), path)) is long


def test_no_face_lies_in_a_temporary_file() -> None:
    assert value("client_body_buffer_size", server()) == value("client_max_body_size", server())
    assert value("proxy_max_temp_file_size", server()) == "0"
    assert value("proxy_request_buffering", location(BATCH)) == "off"
    assert value("proxy_request_buffering", server()) == "on"


def test_an_answer_is_waited_for_as_long_as_the_server_may_take() -> None:
    longest_wait_s = DEFAULTS.queue_timeout_s + DEFAULTS.body_timeout_s

    assert seconds(value("proxy_read_timeout", server())) > longest_wait_s
    assert seconds(value("proxy_read_timeout", location(BATCH))) > BATCH_TIMEOUT_S
    assert seconds(value("client_body_timeout", server())) <= DEFAULTS.body_timeout_s


def test_a_key_may_use_its_limit_from_one_address() -> None:
    (per_second,) = re.findall(r"zone=ood_face_api:10m\s+rate=(\d+)r/s", LINES)

    assert int(per_second) * 60 >= DEFAULTS.rate_limit_per_minute
    assert "zone=ood_face_signin" in location("~ ^/(sign-in|sign-out)$")
    assert "zone=ood_face_api" in location("/v1/")
    assert "zone=ood_face_api" in location(BATCH)
    assert "zone=ood_face_page" in location("/")


def test_the_client_is_told_by_nginx_and_never_by_itself() -> None:
    headers = dict(re.findall(r"proxy_set_header (\S+) ([^;]+);", server()))

    assert headers["X-Forwarded-For"] == "$remote_addr"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    assert headers["X-Forwarded-Host"] == headers["Forwarded"] == '""'
    # what is set in a location would replace all of these there
    assert len(headers) == LINES.count("proxy_set_header")


def test_only_tls_of_today_and_for_a_year() -> None:
    assert value("ssl_protocols", server()).split() == ["TLSv1.2", "TLSv1.3"]
    assert all(
        name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name)
        for name in value("ssl_ciphers", server()).split(":")
    )
    # a location that adds a header of its own loses those of the server
    parts = [text for text in (server(), *LINES.split("location ")[1:]) if "add_header" in text]
    assert len(parts) >= 4
    assert all('Strict-Transport-Security "max-age=31536000" always' in part for part in parts)


def test_plain_http_is_sent_to_tls_and_unknown_names_to_nobody() -> None:
    _, unknown, plain, _ = LINES.split("\nserver {")

    assert "return 301 https://faces.example.com$request_uri;" in plain
    assert {"return 444;", "ssl_reject_handshake on;"} <= {
        line.strip() for line in unknown.splitlines()
    }


def test_metrics_are_for_this_machine() -> None:
    rules = re.findall(r"^\s*((?:allow|deny) \S+);", location("= /metrics"), re.MULTILINE)

    assert rules == ["allow 127.0.0.1", "allow ::1", "deny all"]


def test_its_own_refusals_are_problems_as_the_servers_are() -> None:
    for name, status in (("@too_large", 413), ("@too_many", 429), ("@away", 503)):
        (code, body) = re.findall(r"return (\d+) '(.*)';", location(name))[0]
        problem = json.loads(body)

        assert int(code) == problem["status"] == status
        assert problem["type"].endswith(problem["code"])
        assert "application/problem+json" in location(name)


def test_names_of_subjects_are_in_no_log() -> None:
    assert value("access_log", server()) == "off"
    assert value("error_log", server()).endswith(" crit")
