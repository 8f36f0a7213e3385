"""Who may call the API: keys, roles, limits; without keys, only this machine's own programs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from ood_face.access import RateLimiter, WrongKeys, is_loopback_name, listens_beyond
from ood_face.errors import (
    AccessError,
    ConfigError,
    ForbiddenError,
    UnauthenticatedError,
)
from ood_face.types import Caller, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers

    from ood_face.access import ApiKey, KeyStore
    from ood_face.config import Settings

__all__ = ["Access", "require"]

OPEN_NAME = "open"

_HOW_TO_GET_ONE = "Made with `ood-face keys create`."
_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="odf_<id>_<secret>",
    description=f"An API key. {_HOW_TO_GET_ONE}",
    auto_error=False,
)
_header = APIKeyHeader(
    name="X-API-Key",
    scheme_name="header",
    description=f"An API key, for clients that cannot set Authorization. {_HOW_TO_GET_ONE}",
    auto_error=False,
)

_logger = logging.getLogger(__name__)


class Access:
    """Decides who may do what.

    Keys are needed when the server can be reached from other machines, when the settings demand
    it, and from the first key on that is ever made: one that expires opens nothing again.

    Parameters
    ----------
    keys : the keys there are
    settings : where the server listens, whether keys are demanded, the common limit
    limiter : counts the requests of each key; None: by the settings
    wrong_keys : counts the keys of each address that do not count; None: a new one

    Attributes
    ----------
    closed : every visitor, also of the page, must show a key, whether there is one or not
    """

    def __init__(
        self,
        keys: KeyStore,
        settings: Settings,
        limiter: RateLimiter | None = None,
        wrong_keys: WrongKeys | None = None,
    ) -> None:
        self._keys = keys
        self._host = settings.host
        self._beyond = listens_beyond(settings.host)
        self._limiter = RateLimiter(settings.rate_limit_per_minute) if limiter is None else limiter
        self._wrong_keys = WrongKeys() if wrong_keys is None else wrong_keys
        self.closed = self._beyond or settings.api_keys == "required"

    def check_start(self) -> None:
        """Return if a server can start with this.

        Raises
        ------
        ConfigError
            Other machines could reach it, and there is no key yet.
        StorageError
            The keys cannot be read.
        """
        if self._beyond and not self._keys.any_made():
            raise ConfigError(
                "access.no_keys_yet",
                "the server would listen on {host}, where other machines reach it, and there is "
                "no API key yet: make one with 'ood-face keys create NAME --role admin'",
                host=self._host,
            )

    def authenticate(self, presented: str | None, address: str | None = None) -> ApiKey:
        """Return the key that was presented.

        Parameters
        ----------
        presented : the key as it was sent; None: none was
        address : whence; None: somebody else counts what does not succeed

        Raises
        ------
        UnauthenticatedError
            None was, or one that does not count.
        RateLimitError
            One that does not count, as many before from the same address.
        StorageError
            The keys cannot be read.
        """
        if not presented:
            raise UnauthenticatedError(
                "access.no_key",
                "an API key is needed: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'",
            )
        try:
            return self._keys.authenticate(presented)
        except UnauthenticatedError:
            if address is not None:
                self._wrong_keys.count(address)
            raise

    def admit(
        self,
        presented: str | None,
        role: Role | None,
        headers: Headers,
        address: str | None = None,
    ) -> str:
        """Return the caller's name if it may do this.

        Parameters
        ----------
        presented : the key as it was sent; None: none was
        role : what the key must have; None: any key will do
        headers : of the request
        address : whence it came, as in :meth:`authenticate`

        Raises
        ------
        UnauthenticatedError
            A key is needed, and none that counts was presented.
        RateLimitError
            The key has used up its requests, or the address its wrong keys.
        ForbiddenError
            The key lacks the role; or no key is needed, and the request may come from a page of
            another site.
        StorageError
            The keys cannot be read.
        """
        if not self.needs_key():
            self.check_local(headers)
            return OPEN_NAME
        return self._admit_key(self.authenticate(presented, address), role)

    def admit_again(self, key_id: str, role: Role | None) -> str:
        """Return the caller's name if it may do this, of one who showed a key before.

        Parameters
        ----------
        key_id : of the key
        role : what the key must have; None: any key will do

        Raises
        ------
        UnauthenticatedError
            The key expired or was revoked since.
        RateLimitError, ForbiddenError, StorageError
            As :meth:`admit`.
        """
        return self._admit_key(self._keys.standing(key_id), role)

    def standing(self, key_id: str) -> ApiKey:
        """Return a key that was authenticated before, if it still counts; see ``KeyStore``."""
        return self._keys.standing(key_id)

    def needs_key(self) -> bool:
        """Return whether the API asks for a key; StorageError: the keys cannot be read."""
        return self.closed or self._keys.any_made()

    def _admit_key(self, key: ApiKey, role: Role | None) -> str:
        self._limiter.take(key.id, key.rate_per_minute)
        if not key.may(role):
            raise ForbiddenError(
                "access.role",
                "the key {name} lacks the role {role}, which this needs",
                name=key.name,
                role=role,
            )
        return key.name

    def check_local(self, headers: Headers) -> None:
        """Return if a request comes from this machine's own programs and from no foreign page.

        Raises
        ------
        ForbiddenError
            It may not: it names another host, came through a proxy, or from another site.
        """
        # a browser on this machine sends what any site tells it to, but says where it comes
        # from; a site that gives its own name our address is known by that name
        host = headers.get("host", "")
        if not is_loopback_name(host):
            raise ForbiddenError(
                "access.foreign_host",
                "without keys, only requests to localhost or 127.0.0.1 are answered, not to "
                "{host}; make a key with 'ood-face keys create'",
                host=ascii(host[:200]),
            )
        if "x-forwarded-for" in headers or "forwarded" in headers:
            # a proxy on this machine, and whoever reaches it
            raise ForbiddenError(
                "access.proxied",
                "without keys, requests that come through a proxy are refused; make a key with "
                "'ood-face keys create'",
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in _origins_of(host):
            raise ForbiddenError(
                "access.foreign_site",
                "without keys, requests of another site ({origin}) are refused; make a key with "
                "'ood-face keys create'",
                origin=ascii(origin[:200]),
            )


def require(role: Role | None) -> Callable[..., Caller]:
    """Return the dependency of an endpoint that lets in whoever has a role.

    Put it before what reads the body: ``caller: Annotated[Caller, Depends(require(Role.READ))]``
    as the first argument, or among the route's ``dependencies``. An application made without an
    ``Access`` lets everyone in.

    Parameters
    ----------
    role : what the key must have; None: any key will do
    """

    # not async: it reads a file, and now and then writes one
    def caller(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        header: Annotated[str | None, Depends(_header)],
    ) -> Caller:
        request_id = str(getattr(request.state, "request_id", ""))
        access: Access | None = request.app.state.access
        if access is None:
            return Caller(OPEN_NAME, request_id)
        presented = header if bearer is None else bearer.credentials
        client = "?" if request.client is None else request.client.host
        try:
            return Caller(access.admit(presented, role, request.headers, client), request_id)
        except AccessError as exc:
            if exc.key == "access.wrong_keys":
                # as many lines as requests would fill the log; the metrics count them
                raise
            fields = {"request_id": request_id}
            _logger.warning(
                "request %s from %s refused: %s", request_id, client, exc.key, extra=fields
            )
            raise

    return caller


def _origins_of(host: str) -> tuple[str, str]:
    return f"http://{host.lower()}", f"https://{host.lower()}"
