"""Requests that may be sent twice and take effect once: the header Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Request, Response

from ood_face.api.callers import EnrollCaller
from ood_face.api.errors import RequestFormError
from ood_face.types import RequestToken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ood_face.types import Caller

__all__ = ["REPLAYED", "EnrollSending", "IdempotencyKey", "mark_replayed", "token_of"]

REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def _key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Any 1 to 255 visible ASCII characters, new for each new request. Sent "
            f"again with the same request, nothing is done twice, and the answer has `{REPLAYED}: "
            "true`; with another request, the answer is 422. A key is known as long as what it "
            "made is there.",
        ),
    ] = None,
) -> str | None:
    if key is not None and _KEY.fullmatch(key) is None:
        raise RequestFormError(
            "request.key",
            "the header Idempotency-Key must have 1 to {limit} visible ASCII characters, not {got}",
            limit=255,
            got=ascii(key[:64]),
        )
    return key


IdempotencyKey = Annotated[str | None, Depends(_key)]


def token_of(
    request: Request, caller: Caller, key: str | None, fields: Mapping[str, object]
) -> RequestToken | None:
    """Return what makes this request idempotent; None: it has no key.

    Two callers, or two galleries, may use the same key.

    Parameters
    ----------
    request : its method, path and gallery count
    caller : whose key it is
    key : as it was sent
    fields : what was asked, as JSON has it; a picture by its hash
    """
    if key is None:
        return None
    gallery = request.path_params.get("gallery", "")
    asked = [request.method, request.url.path, fields]
    return RequestToken(key_hash=_hash([caller.name, gallery, key]), body_hash=_hash(asked))


class _Sending:
    """A request that enrols: who sends it, under which key, and the answer's headers."""

    def __init__(
        self, request: Request, response: Response, caller: EnrollCaller, key: IdempotencyKey
    ) -> None:
        self.request = request
        self.response = response
        self.caller = caller
        self._key = key

    def token(self, fields: Mapping[str, object]) -> RequestToken | None:
        """Return what makes it idempotent; see :func:`token_of`."""
        return token_of(self.request, self.caller, self._key, fields)


EnrollSending = Annotated[_Sending, Depends()]


def mark_replayed(response: Response) -> None:
    """Say that an answer is one to a request that was carried out before."""
    response.headers[REPLAYED] = "true"


def _hash(value: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
