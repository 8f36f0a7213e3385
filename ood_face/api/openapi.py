"""The OpenAPI document: what FastAPI derives, with the media type of our errors put right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.api.errors import PROBLEM_JSON
from ood_face.api.schemas import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["body", "problems", "use_problem_json"]

_BASE64 = "Base64 of a JPEG, PNG, WebP or BMP file."
# of the text fields that a form may have
_EXAMPLES = {"scenario": "default", "calibration": "none"}
_PROBLEMS = {
    401: "A key is needed, and none that counts was sent.",
    403: "The key lacks the role that this needs; or, without keys, another site asks.",
    404: "There is no such gallery, subject, template or scenario; code and detail say which.",
    408: "The body did not arrive in time.",
    409: "What is enrolled stands against it; code and detail say what.",
    412: "It was changed meanwhile: read it again.",
    413: "The body or a picture exceeds a limit; the detail says which.",
    415: "The body is of another media type.",
    422: "Something is wrong with what was sent; code and detail say what.",
    429: "The key has used up its requests, or the address its wrong keys: go on after the seconds "
    "in Retry-After.",
    500: "The service failed; its log says why.",
    503: "The service is busy or not ready: try again after the seconds in Retry-After.",
    507: "The disk is full; nothing was changed.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of an endpoint that may answer these error statuses."""
    return {
        status: {"model": Problem, "description": _PROBLEMS[status]} for status in sorted(statuses)
    }


def body(*pictures: str, **texts: str) -> dict[str, Any]:
    """Return the ``openapi_extra`` of an endpoint that takes a form or JSON.

    Parameters
    ----------
    pictures : names of the required pictures
    texts : names of the optional text fields, and what they mean
    """

    def schema(picture: dict[str, Any]) -> dict[str, Any]:
        described = {
            name: {"type": "string", "description": about} for name, about in texts.items()
        }
        return {
            "type": "object",
            "required": list(pictures),
            "properties": dict.fromkeys(pictures, picture) | described,
            "additionalProperties": False,
        }

    in_json = {"type": "string", "contentEncoding": "base64", "description": _BASE64}
    in_form = {"type": "string", "format": "binary"}
    example = dict.fromkeys(pictures, "iVBORw0KGgoAAAANSUhEUgAA") | {
        name: _EXAMPLES[name] for name in texts
    }
    content = {
        "multipart/form-data": {"schema": schema(in_form)},
        "application/json": {"schema": schema(in_json), "example": example},
    }
    return {"requestBody": {"required": True, "content": content}}


def use_problem_json(app: FastAPI) -> None:
    """Make the document say that errors are problem+json, as they are."""
    derive = app.openapi

    def derive_and_correct() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = derive()
            for path in document["paths"].values():
                for operation in path.values():
                    _correct(operation["responses"])
        return derive()

    app.openapi = derive_and_correct  # type: ignore[method-assign]


def _correct(responses: dict[str, dict[str, Any]]) -> None:
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {PROBLEM_JSON: response["content"].pop("application/json")}
