"""What is said to connections that bring no request that could be answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from ood_face.api.errors import PROBLEM_JSON

__all__ = ["HEAD_BYTES", "LARGE_HEAD", "NO_ROOM", "SLOW_BODY", "SLOW_HEAD", "STOPS", "Refusal"]

# of a head that is not complete; the API has narrower limits on a complete one
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a connection is told before it is closed, where no request is there to be answered.

    Attributes
    ----------
    status, code, detail : as in the API's own answers
    """

    status: HTTPStatus
    code: str
    detail: str

    @property
    def reason(self) -> str:
        """Why, as the metrics have it."""
        return self.code.rpartition(".")[2]

    def encoded(self) -> bytes:
        """Return the whole answer."""
        body = json.dumps(
            {
                "type": f"urn:ood-face:error:{self.code}",
                "title": self.status.phrase,
                "status": int(self.status),
                "detail": self.detail,
                "code": self.code,
            }
        )
        head = [
            f"HTTP/1.1 {int(self.status)} {self.status.phrase}",
            f"Content-Type: {PROBLEM_JSON}",
            f"Content-Length: {len(body)}",
            *(["Retry-After: 1"] if self.status is HTTPStatus.SERVICE_UNAVAILABLE else []),
            "Connection: close",
        ]
        return "\r\n".join([*head, "", body]).encode("ascii")


SLOW_HEAD = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "request.slow_head", "the head of the request came too slowly"
)
SLOW_BODY = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "request.slow_body", "the body of the request came too slowly"
)
STOPS = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "busy.stopping", "the server stops; try again later"
)
LARGE_HEAD = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "request.large_head",
    f"the head of the request exceeds the limit of {HEAD_BYTES} bytes",
)
NO_ROOM = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "busy.connections", "too many connections; try again later"
)
