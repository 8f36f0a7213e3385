"""Where the server listens, and who may come."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ood_face.access import count_keys, listens_beyond
from ood_face.bootstrap.doctor.findings import failed, ok, problem, warning
from ood_face.errors import StorageError

if TYPE_CHECKING:
    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["check_keys", "check_port"]

_CONNECT_S = 0.5
# a readiness probe runs the networks once
_ANSWER_S = 2.0
_FIRST_FREE = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 # nosec B104 - looked up, not bound


class _Answer(NamedTuple):
    """Attributes: ``status`` 0: none that is HTTP; ``body``: the JSON object, if it is one."""

    status: int
    body: dict[str, object]


def check_port(settings: Settings) -> Finding:
    """Say whether the port is free, or who has it."""
    host, port = settings.host, settings.port
    values = {"host": host, "port": port}
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as exc:
        return problem("port", "port_no_host", reason=str(exc), **values)
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.bind((address[0], 0, *address[2:]))
    except OSError as exc:
        return problem("port", "port_not_here", reason=exc.strerror or str(exc), **values)
    if port == 0:
        return ok("port", "port_any", **values)
    return _taken_or_free(settings, _EVERYWHERE.get(host, str(address[0])))


def _taken_or_free(settings: Settings, target: str) -> Finding:
    port = settings.port
    values = {"host": settings.host, "port": port}
    try:
        socket.create_connection((target, port), timeout=_CONNECT_S).close()
    except OSError:
        return _free(settings)
    alive = _ask(target, port, "/healthz")
    ready = _ask(target, port, "/readyz") if alive.body.get("status") == "ok" else alive
    silent = ready.status == 0  # busy, or hung
    if alive.body.get("status") != "ok" or ("status" not in ready.body and not silent):
        return problem("port", "port_taken", **values)
    if ready.status == http.client.OK:
        return ok("port", "port_ours", model=str(ready.body.get("model_id")), **values)
    return problem("port", "port_not_ready", status=ready.status, **values)


def _free(settings: Settings) -> Finding:
    values = {"host": settings.host, "port": settings.port}
    try:
        first = int(_FIRST_FREE.read_text(encoding="ascii"))
    except (OSError, ValueError):
        first = 1024
    if settings.port < first and os.geteuid() != 0:
        return problem("port", "port_privileged", first=first, **values)
    return ok("port", "port_free", **values)


def _ask(host: str, port: int, path: str) -> _Answer:
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        found = json.loads(answer.read(10_000))
    except (OSError, http.client.HTTPException, ValueError):
        return _Answer(0, {})
    finally:
        connection.close()
    return _Answer(answer.status, found if isinstance(found, dict) else {})


def check_keys(settings: Settings) -> Finding:
    """Say whether those who can reach the server need keys, and have some."""
    try:
        found = count_keys(settings.data_dir)
    except StorageError as exc:
        return failed("keys", "keys_unreadable", exc)
    beyond = listens_beyond(settings.host)
    if beyond and not found.made:
        return problem("keys", "keys_none_beyond", host=settings.host)
    closed = beyond or settings.api_keys == "required"
    if not found.standing and (closed or found.made):
        return warning("keys", "keys_none_standing", made=found.made)
    if not found.made:
        return ok("keys", "keys_none_needed", host=settings.host)
    return ok("keys", "keys_sound", standing=found.standing, made=found.made)
