"""What the OpenAPI document says of bodies and headers that FastAPI cannot see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ood_face.api.idempotency import REPLAYED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CREATED_HEADERS",
    "ETAG_HEADERS",
    "FORCE",
    "LINK_HEADERS",
    "METADATA",
    "NAME",
    "SCENARIO",
    "SUBJECT_ID",
    "Schema",
    "fields_body",
    "json_body",
]

Schema: TypeAlias = dict[str, Any]

_BASE64: Schema = {
    "type": "string",
    "contentEncoding": "base64",
    "description": "Base64 of a JPEG, PNG, WebP or BMP file.",
}
_FILE: Schema = {"type": "string", "format": "binary"}
_EXAMPLE_PICTURE = "iVBORw0KGgoAAAANSUhEUgAA"

SUBJECT_ID: Schema = {
    "type": "string",
    "maxLength": 128,
    "description": "Letters, digits and _ . @ + = -, no dot first.",
    "examples": ["e-1024"],
}
NAME: Schema = {
    "type": ["string", "null"],
    "maxLength": 200,
    "description": "For people to read.",
    "examples": ["Li Wei"],
}
METADATA: Schema = {
    "type": ["object", "null"],
    "description": "Any JSON object of up to 16 KiB and 8 levels; a form sends its text.",
    "examples": [{"department": "laboratory"}],
}
SCENARIO: Schema = {
    "type": "string",
    "description": "Name of the thresholds to apply; left out: the gallery's.",
    "examples": ["gate"],
}
CALIBRATION: Schema = {
    "type": "string",
    "description": "A calibration that the scenario offers; left out: the gallery's, or else the "
    "scenario's.",
    "examples": ["none"],
}
FORCE: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Enrol also where another subject has nearly the same face.",
}

_TEXT: Schema = {"type": "string"}
ETAG_HEADERS: Schema = {
    "ETag": {"description": "Version of the answer, for If-Match.", "schema": _TEXT}
}
LINK_HEADERS: Schema = {
    "Link": {"description": 'The next page, as `<...>; rel="next"`.', "schema": _TEXT}
}
CREATED_HEADERS: Schema = ETAG_HEADERS | {
    "Location": {"description": "Address of what was made.", "schema": _TEXT},
    REPLAYED: {
        "description": "`true`: this request was carried out before, and nothing was done now.",
        "schema": _TEXT,
    },
}


def fields_body(
    required: Mapping[str, Schema],
    optional: Mapping[str, Schema],
    picture: str | None = None,
    pictures: str | None = None,
) -> Schema:
    """Return the ``openapi_extra`` of an endpoint that takes fields in a form or in JSON.

    Parameters
    ----------
    required, optional : schemas by name
    picture : name of a picture that must be there
    pictures : name of pictures that may be there, any number
    """

    def schema(one: Schema) -> Schema:
        properties = {**required, **optional}
        if picture is not None:
            properties[picture] = one
        if pictures is not None:
            properties[pictures] = {"type": "array", "items": one, "maxItems": 20}
        return {
            "type": "object",
            "required": [*required, *([] if picture is None else [picture])],
            "properties": properties,
            "additionalProperties": False,
        }

    example: dict[str, object] = {
        name: one["examples"][0]
        for name, one in {**required, **optional}.items()
        if "examples" in one
    }
    example |= {} if picture is None else {picture: _EXAMPLE_PICTURE}
    example |= {} if pictures is None else {pictures: [_EXAMPLE_PICTURE]}
    content: Schema = {"application/json": {"schema": schema(_BASE64), "example": example}}
    if picture is not None or pictures is not None:
        content["multipart/form-data"] = {"schema": schema(_FILE)}
    return {"requestBody": {"required": True, "content": content}}


def json_body(media_types: tuple[str, ...], properties: Mapping[str, Schema]) -> Schema:
    """Return the ``openapi_extra`` of an endpoint that takes a JSON object, all optional."""
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {
        "requestBody": {
            "required": True,
            "content": {media_type: {"schema": schema} for media_type in media_types},
        }
    }
