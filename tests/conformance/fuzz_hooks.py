"""What schemathesis is told of this API: pictures that are pictures, and how batches answer.

Read by its own process; see ``test_openapi.py``.
"""

from __future__ import annotations

import base64
import json
import os

import schemathesis

from tests.unit.api.people import ANN, shot

__all__ = ["last_line", "map_body"]

_PICTURE = shot(ANN)
_FIELDS = ("image", "image_a", "image_b")


@schemathesis.deserializer("application/x-ndjson")
def last_line(_context, response):
    """Return the summary that ends the answer to a batch."""
    return json.loads(response.content.splitlines()[-1])


if os.environ.get("OOD_FACE_TEST_PICTURES"):

    @schemathesis.hook
    def map_body(_context, body):
        """Put a picture with a face where there is one at all."""
        if not isinstance(body, dict):
            return body
        return {name: _with_picture(name, value) for name, value in body.items()}


def _with_picture(name: str, value: object) -> object:
    if name not in _FIELDS:
        return value
    if isinstance(value, list):
        return [_with_picture(name, one) for one in value]
    if isinstance(value, bytes):
        return _PICTURE
    return base64.b64encode(_PICTURE).decode() if isinstance(value, str) else value
