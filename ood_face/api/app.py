"""The REST API as one FastAPI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

import ood_face
from ood_face.api.departures import Departures
from ood_face.api.drift import make_drift_router
from ood_face.api.errors import (
    answer_error,
    answer_http_error,
    answer_invalid_parameter,
    answer_unexpected,
)
from ood_face.api.gallery_routes import make_gallery_router
from ood_face.api.heads import HeadLimit
from ood_face.api.health import Readiness
from ood_face.api.held_bodies import HeldBodies
from ood_face.api.metrics import CountRequests, Metrics, make_metrics_router
from ood_face.api.middleware import BodyLimit, RequestLog
from ood_face.api.openapi import use_problem_json
from ood_face.api.policies import make_policies_router
from ood_face.api.review import make_review_router
from ood_face.api.routes import make_router
from ood_face.api.unknown import add_unknown
from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ood_face.api.served import Served
    from ood_face.config import Settings

__all__ = ["create_app"]

_DESCRIPTION = """\
Face recognition that says, for every face, how far it can be trusted.

Send pictures as `multipart/form-data`, or as base64 in JSON. `Accept-Language: zh` gives level
names, verdicts, reasons and errors in Chinese. Errors are `application/problem+json` with a
stable `code`.
"""
# boundaries, part headers, JSON punctuation and the names of fields
_FORM_OVERHEAD_BYTES = 64 * 1024
# threads for what is not waiting for a worker
_SPARE_THREADS = 16


def create_app(served: Served) -> FastAPI:
    """Return the application; a page can be mounted at ``/`` after it.

    Parameters
    ----------
    served : what does the work
    """
    service, settings = served.faces, served.settings

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # a thread for each request that the admission lets in or lets wait: it, and not the
        # size of the thread pool, decides who is refused
        limiter = current_default_thread_limiter()
        needed = settings.workers + settings.queue_size + _SPARE_THREADS
        limiter.total_tokens = max(limiter.total_tokens, needed)
        yield

    app = FastAPI(
        title="ood_face",
        version=ood_face.__version__,
        description=_DESCRIPTION,
        # the documentation pages would load their scripts from a public server
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.access = served.access
    readiness = Readiness(service)
    metrics = Metrics(served, readiness)
    app.state.connections = metrics.connections
    app.include_router(make_router(service, settings, readiness))
    if served.galleries is not None:
        app.include_router(make_gallery_router(service, served.galleries, settings))
    if served.review is not None:
        app.include_router(make_review_router(served.review))
    if served.drift is not None:
        app.include_router(make_drift_router(served.drift))
    if served.policies is not None:
        app.include_router(make_policies_router(served.policies))
    app.include_router(make_metrics_router(metrics.registry))
    add_unknown(app)
    app.exception_handler(OodFaceError)(answer_error)
    app.exception_handler(HTTPException)(answer_http_error)
    app.exception_handler(RequestValidationError)(answer_invalid_parameter)
    app.exception_handler(Exception)(answer_unexpected)
    app.add_middleware(
        BodyLimit,
        limit_bytes=_largest_body(settings),
        batch_limit_bytes=settings.max_batch_bytes,
    )
    app.add_middleware(
        HeldBodies, limit_bytes=max(settings.max_held_bytes, _largest_body(settings))
    )
    app.add_middleware(Departures)
    app.add_middleware(HeadLimit)
    app.add_middleware(RequestLog)
    # outside all others, so that it sees what they refuse
    app.add_middleware(CountRequests, metrics=metrics.requests)
    use_problem_json(app)
    return app


def _largest_body(settings: Settings) -> int:
    # two pictures in base64, which makes 4 bytes of 3
    return 2 * (settings.max_image_bytes * 4 // 3 + 4) + _FORM_OVERHEAD_BYTES
