"""Signing in at the page with an API key, and out again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from ood_face.access import network_of
from ood_face.errors import BackendError, OodFaceError, RateLimitError, UnauthenticatedError
from ood_face.messages import LANGUAGES, error_sentence, negotiate
from webui.catalogue import texts
from webui.signin_audit import SignInAudit, address_of
from webui.signin_sessions import SESSION_S, Attempts, Sessions
from webui.views.signin_page import signin_document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import Scope

    from ood_face.access import ApiKey
    from ood_face.api.auth import Access
    from ood_face.messages import Language
    from ood_face.ports import AuditLog

__all__ = ["SIGN_IN", "SIGN_OUT", "STYLES", "SignIn", "is_foreign"]

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
# of the page that asks for the key
STYLES = "/static-page/signin.css"

_MOST_BODY_BYTES = 4096
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# no script runs on this page; with 'same-origin' a form says where it comes from
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    key: str
    language: Language


class SignIn:
    """The sessions of a page, and the two addresses that begin and end them.

    Parameters
    ----------
    access : knows the keys
    cookie : name of the cookie; browsers share cookies between the ports of one host
    sessions, attempts : None: new ones
    audit : notes who signs in and out; None: nobody does
    sleep : waits so many seconds
    """

    def __init__(
        self,
        access: Access,
        cookie: str,
        sessions: Sessions | None = None,
        attempts: Attempts | None = None,
        audit: AuditLog | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._access = access
        self._cookie = cookie
        self._sessions = Sessions() if sessions is None else sessions
        self._attempts = Attempts() if attempts is None else attempts
        self._sleep = sleep
        self._audit = SignInAudit(audit)

    def signed_in(self, scope: Scope) -> ApiKey | None:
        """Return the key that a request's browser signed in with; None: it has no session.

        A session ends with its key: at once when that is revoked or expires.

        Raises
        ------
        StorageError
            The keys cannot be read.
        """
        token = Request(scope).cookies.get(self._cookie)
        key_id = None if token is None else self._sessions.key_id(token)
        if token is None or key_id is None:
            return None
        try:
            return self._access.standing(key_id)
        except UnauthenticatedError:
            self._sessions.end(token)
            return None

    async def answer(self, request: Request) -> Response:
        """Answer a request to one of the two addresses."""
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("", status_code=405, headers={"Allow": "GET, POST"})
        if is_foreign(request.scope):
            return PlainTextResponse("requests of other sites are refused", status_code=403)
        if request.scope["path"] == SIGN_OUT:
            return await self._out(request)
        if request.method == "POST":
            return await self._in(request)
        asked = request.query_params.get("language", "")
        known = next((one for one in LANGUAGES if one == asked), _language(request))
        return _page(signin_document(known))

    async def _out(self, request: Request) -> Response:
        if request.method != "POST":
            # a link of another site must not sign anybody out
            return PlainTextResponse("", status_code=405, headers={"Allow": "POST"})
        try:
            key = await to_thread.run_sync(self.signed_in, request.scope)
        except BackendError:
            # who leaves, leaves
            key = None
        self._sessions.end(request.cookies.get(self._cookie, ""))
        if key is not None:
            await self._audit.left(request, key.name)
        answer = RedirectResponse("./", status_code=303, headers=_HEADERS)
        answer.delete_cookie(self._cookie, httponly=True, samesite="strict")
        return answer

    async def _in(self, request: Request) -> Response:
        form = await _read(request)
        address = address_of(request)
        try:
            key = await self._check(form, address)
        except OodFaceError as exc:
            _logger.warning("sign-in refused to %s: %s", address, exc.key)
            await self._audit.failed(request, exc.key)
            status = 429 if isinstance(exc, RateLimitError) else 401
            if not isinstance(exc, RateLimitError | UnauthenticatedError):
                status = 503
            sentence = _sentence(exc, form.language)
            return _page(signin_document(form.language, sentence, form.name), status)
        # one browser, one session: who signs in again leaves none behind
        self._sessions.end(request.cookies.get(self._cookie, ""))
        _logger.info("signed in from %s: %s", address, key.name)
        await self._audit.came(request, key.name)
        answer = RedirectResponse("./", status_code=303, headers=_HEADERS)
        answer.set_cookie(
            self._cookie,
            self._sessions.begin(key.id),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            # behind a proxy on this machine the scheme is what the proxy says
            secure=request.url.scheme == "https",
        )
        return answer

    async def _check(self, form: _Form, address: str) -> ApiKey:
        wait_s = self._attempts.begin(network_of(address))
        if wait_s is None:
            raise RateLimitError(
                "access.too_many_attempts",
                "too many attempts from this address; try again in 15 minutes",
            )
        if wait_s > 0:
            await self._sleep(wait_s)
        key = await to_thread.run_sync(self._access.authenticate, form.key)
        if form.name and form.name != key.name:
            raise UnauthenticatedError("access.unknown_key", "the API key is not known")
        self._attempts.succeeded(network_of(address))
        return key


def is_foreign(scope: Scope) -> bool:
    """Return whether a page of another site sends this, which it must say."""
    headers = Request(scope).headers
    origin = headers.get("origin")
    if scope["method"] in _SAFE_METHODS or origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        # no browser writes this
        return True


async def _read(request: Request) -> _Form:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY_BYTES:
            body = b""
            break
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        # more fields than any form of ours has
        fields = {}
    name, key, language = (
        fields.get(field, [""])[0].strip() for field in ("name", "key", "language")
    )
    known = next((one for one in LANGUAGES if one == language), _language(request))
    return _Form(name[:100], key, known)


def _language(request: Request) -> Language:
    return negotiate(request.headers.get("accept-language"))


def _sentence(error: OodFaceError, language: Language) -> str:
    if error.key == "access.unknown_key":
        return texts(language)("signin.unknown")
    return error_sentence(error, language)


def _page(document: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(document, status_code=status, headers=_HEADERS)
