"""What the audit log is told of signing in and out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anyio import to_thread

from ood_face.access import RateLimiter
from ood_face.errors import BackendError, RateLimitError
from ood_face.types import AuditAction, AuditEvent, Caller

if TYPE_CHECKING:
    from starlette.requests import Request

    from ood_face.ports import AuditLog

__all__ = ["SignInAudit", "address_of"]

# failures of all addresses together; beyond, the server's log alone has them
_FAILURES_PER_MINUTE = 60
_ALL = "all"
# whoever signs in wrongly has no name that could be trusted
_NOBODY = "open"

_logger = logging.getLogger(__name__)


class SignInAudit:
    """Notes who signed in and out, and whence somebody tried in vain.

    A note that cannot be written keeps nobody out; the log says so.

    Parameters
    ----------
    audit : takes the events; None: nobody does
    limiter : how many failures are noted; None: 60 a minute
    """

    def __init__(self, audit: AuditLog | None, limiter: RateLimiter | None = None) -> None:
        self._audit = audit
        self._limiter = RateLimiter(_FAILURES_PER_MINUTE) if limiter is None else limiter

    async def came(self, request: Request, name: str) -> None:
        """Note that a key's owner signed in."""
        await self._note(request, name, AuditAction.SIGN_IN, "ok")

    async def left(self, request: Request, name: str) -> None:
        """Note that a key's owner signed out."""
        await self._note(request, name, AuditAction.SIGN_OUT, "ok")

    async def failed(self, request: Request, outcome: str) -> None:
        """Note an attempt that was refused.

        Parameters
        ----------
        request : of the attempt
        outcome : key of the error that refused it
        """
        try:
            self._limiter.take(_ALL)
        except RateLimitError:
            return
        await self._note(request, _NOBODY, AuditAction.SIGN_IN, outcome)

    async def _note(self, request: Request, name: str, action: AuditAction, outcome: str) -> None:
        if self._audit is None:
            return
        event = AuditEvent(action, "", None, outcome, {"address": address_of(request)})
        try:
            await to_thread.run_sync(self._audit.record, Caller(name), event)
        except BackendError as exc:
            _logger.error("not in the audit log: %s: %s", action, exc)  # noqa: TRY400


def address_of(request: Request) -> str:
    """Return whence a request came, as far as the server knows."""
    return "?" if request.client is None else request.client.host
