"""Errors as answers: one table from class to status, bodies as problem+json (RFC 9457)."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

from ood_face.errors import (
    AccessError,
    ArtifactError,
    BackendError,
    BusyError,
    CalibrationMissingError,
    ChecksumError,
    ConfigError,
    DuplicateFaceError,
    DuplicateGalleryError,
    DuplicateSubjectError,
    ForbiddenError,
    GalleryError,
    GalleryNotFoundError,
    ImageDecodeError,
    ImageTooLargeError,
    InputError,
    LowQualityError,
    MultipleFacesError,
    NoFaceError,
    OodFaceError,
    RateLimitError,
    ReviewNotFoundError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageLockedError,
    SubjectNotFoundError,
    TemplateMismatchError,
    TemplateNotFoundError,
    TokenReusedError,
    UnauthenticatedError,
    UnknownScenarioError,
    VersionConflictError,
    WeightsMissingError,
)
from ood_face.messages import error_sentence, negotiate

if TYPE_CHECKING:
    from fastapi import Request
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

__all__ = [
    "PROBLEM_JSON",
    "STATUS_OF",
    "AddressTooLongError",
    "BodyTimeoutError",
    "BodyTooLargeError",
    "ContentTypeError",
    "HeadersTooLargeError",
    "NotReadyError",
    "PoliciesRefusedError",
    "RequestFormError",
    "answer_error",
    "answer_http_error",
    "answer_invalid_parameter",
    "answer_unexpected",
    "status_of",
    "told_of",
]

PROBLEM_JSON = "application/problem+json"

_logger = logging.getLogger(__name__)


class RequestFormError(InputError):
    """The request isn't formed as the endpoint needs it."""


class ContentTypeError(RequestFormError):
    """The body is neither multipart/form-data nor application/json."""


class NotReadyError(BackendError):
    """The self-test failed."""


class PoliciesRefusedError(InputError):
    """A file that policies are read from is wrong; nothing was changed.

    What is wrong is told, other than where the service fails by it: who asks can mend it.
    """

    @classmethod
    def by(cls, cause: OodFaceError) -> PoliciesRefusedError:
        """Return the error that says the same."""
        sentence = str(cause).replace("{", "{{").replace("}", "}}")
        return cls(cause.key, sentence, **cause.values)


class AddressTooLongError(RequestFormError):
    """The address exceeds the limit on bytes."""


class HeadersTooLargeError(RequestFormError):
    """There are too many headers, or too many bytes of them."""


class BodyTooLargeError(RequestFormError):
    """The body exceeds the limit on bytes."""


class BodyTimeoutError(RequestFormError):
    """The body didn't come in time."""


STATUS_OF: dict[type[OodFaceError], HTTPStatus] = {
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ImageDecodeError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ImageTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NoFaceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    MultipleFacesError: HTTPStatus.UNPROCESSABLE_ENTITY,
    LowQualityError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownScenarioError: HTTPStatus.NOT_FOUND,
    RequestFormError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ContentTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    AddressTooLongError: HTTPStatus.REQUEST_URI_TOO_LONG,
    HeadersTooLargeError: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    PoliciesRefusedError: HTTPStatus.CONFLICT,
    BodyTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    GalleryError: HTTPStatus.CONFLICT,
    GalleryNotFoundError: HTTPStatus.NOT_FOUND,
    SubjectNotFoundError: HTTPStatus.NOT_FOUND,
    TemplateNotFoundError: HTTPStatus.NOT_FOUND,
    ReviewNotFoundError: HTTPStatus.NOT_FOUND,
    DuplicateGalleryError: HTTPStatus.CONFLICT,
    DuplicateSubjectError: HTTPStatus.CONFLICT,
    DuplicateFaceError: HTTPStatus.CONFLICT,
    TemplateMismatchError: HTTPStatus.CONFLICT,
    VersionConflictError: HTTPStatus.PRECONDITION_FAILED,
    TokenReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    AccessError: HTTPStatus.FORBIDDEN,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    RateLimitError: HTTPStatus.TOO_MANY_REQUESTS,
    ArtifactError: HTTPStatus.SERVICE_UNAVAILABLE,
    WeightsMissingError: HTTPStatus.SERVICE_UNAVAILABLE,
    ChecksumError: HTTPStatus.SERVICE_UNAVAILABLE,
    CalibrationMissingError: HTTPStatus.SERVICE_UNAVAILABLE,
    ConfigError: HTTPStatus.INTERNAL_SERVER_ERROR,
    BackendError: HTTPStatus.INTERNAL_SERVER_ERROR,
    NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    StorageLockedError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageCorruptError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRY_AFTER_S = 1

# what frameworks below us answer -> our sentences
_HTTP_ERRORS: dict[int, tuple[str, str]] = {
    400: ("request.malformed", "the request body is malformed"),
    404: ("request.not_found", "there is nothing at this address"),
    405: ("request.method", "this address does not answer this method"),
}


def status_of(error: OodFaceError) -> HTTPStatus:
    """Return the status of an error: its class's, or that of the nearest class above."""
    return next(STATUS_OF[cls] for cls in type(error).__mro__ if cls in STATUS_OF)


def told_of(error: OodFaceError) -> OodFaceError:
    """Return what a caller is told: the error; of one from inside no more than that."""
    if isinstance(error, InputError | GalleryError | AccessError | BusyError):
        return error
    return _inside_error(status_of(error))


def answer_error(request: Request, error: OodFaceError) -> JSONResponse:
    """Answer one of our errors; what failed inside is logged and not told."""
    status, told = status_of(error), told_of(error)
    if told is not error:
        request_id = _request_id(request)
        fields = {"request_id": request_id}
        _logger.error("request %s failed: %s", request_id, error, extra=fields)
    response = _problem(request, status, told)
    response.headers.update(_headers_of(status, error))
    return response


def answer_http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Answer what the framework refused."""
    key, sentence = _HTTP_ERRORS.get(error.status_code, _HTTP_ERRORS[400])
    response = _problem(request, HTTPStatus(error.status_code), InputError(key, sentence))
    response.headers.update(error.headers or {})
    return response


def answer_invalid_parameter(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a query parameter of the wrong type."""
    first = error.errors()[0]
    told = RequestFormError(
        "request.parameter",
        "the parameter {name} is wrong: {problem}",
        name=str(first["loc"][-1]),
        problem=str(first["msg"]),
    )
    return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, told)


def answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer a defect of ours, without a word about it; the server's log has the traceback."""
    request_id, kind = _request_id(request), type(error).__name__
    fields = {"request_id": request_id}
    _logger.error("request %s met a defect: %s", request_id, kind, extra=fields)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _problem(request, status, _inside_error(status))


def _headers_of(status: HTTPStatus, error: OodFaceError) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    wait_s = error.values.get("retry_after_s")
    if status == HTTPStatus.TOO_MANY_REQUESTS and isinstance(wait_s, float):
        # whole seconds, and not one too early
        return {"Retry-After": str(math.ceil(wait_s))}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(_RETRY_AFTER_S)}
    return {}


def _inside_error(status: HTTPStatus) -> OodFaceError:
    if status == HTTPStatus.INSUFFICIENT_STORAGE:
        return BackendError("request.disk_full", "the disk is full; nothing was changed")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return BackendError("request.not_ready", "the service is not ready; its log says why")
    return BackendError("request.failed", "the service failed; its log says why")


def _problem(request: Request, status: HTTPStatus, error: OodFaceError) -> JSONResponse:
    detail = error_sentence(error, negotiate(request.headers.get("accept-language")))
    body: dict[str, object] = {
        "type": f"urn:ood-face:error:{error.key}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "code": error.key,
        "request_id": _request_id(request),
    }
    field = getattr(request.state, "field", None)
    if field is not None:
        body["field"] = field
        body["detail"] = f"{field}: {detail}"
    return JSONResponse(body, status_code=status, media_type=PROBLEM_JSON)


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))
