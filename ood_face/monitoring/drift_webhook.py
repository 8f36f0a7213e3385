"""Tells another program of a drift: one POST to an address on a host that is allowed."""

from __future__ import annotations

import json
import logging
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ood_face.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["Webhook"]

_TIMEOUT_S = 5.0

_logger = logging.getLogger(__name__)


class Webhook:
    """Posts JSON; follows no redirect, uses no proxy, and never raises.

    Parameters
    ----------
    url : http or https, without user and password
    hosts : the only ones it may go to, exactly
    timeout_s : for connecting, and for every wait on the answer

    Raises
    ------
    ConfigError
        The address is none, or its host is not allowed.
    """

    def __init__(self, url: str, hosts: Collection[str], timeout_s: float = _TIMEOUT_S) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if (
            not host
            or parts.scheme not in ("http", "https")
            or "@" in parts.netloc
            or not url.isascii()
            or not url.isprintable()
            or " " in url
        ):
            raise ConfigError(
                "drift.webhook_url",
                "OOD_FACE_DRIFT_WEBHOOK_URL must be an http or https address without a user, as "
                "https://alerts.example/drift",
            )
        if host not in {allowed.strip().lower() for allowed in hosts}:
            raise ConfigError(
                "drift.webhook_host",
                "OOD_FACE_DRIFT_WEBHOOK_URL leads to {host}, which OOD_FACE_DRIFT_WEBHOOK_HOSTS "
                "does not allow; allowed: {allowed}",
                host=host,
                allowed=", ".join(sorted(hosts)) or "-",
            )
        self._secure = parts.scheme == "https"
        self._host, self._port, self._timeout_s = host, port, timeout_s
        query = f"?{parts.query}" if parts.query else ""
        self._target = f"{parts.path or '/'}{query}"

    def post(self, message: Mapping[str, Any]) -> bool:
        """Send a message; return whether it was taken. A failure is logged, without the path."""
        kind = HTTPSConnection if self._secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        headers = {"Content-Type": "application/json", "User-Agent": "ood-face"}
        try:
            connection.request("POST", self._target, json.dumps(message).encode(), headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as exc:
            _logger.warning("drift webhook on %s failed: %s", self._host, type(exc).__name__)
            return False
        finally:
            connection.close()
        if not 200 <= status < 300:
            _logger.warning("drift webhook on %s answered %d", self._host, status)
            return False
        return True
