"""Page and API in one process."""

from __future__ import annotations

import gc
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import gradio as gr
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware

from ood_face import logs
from ood_face.access import KeyStore, keep_to_oneself, warn_of_rights
from ood_face.api.app import create_app
from ood_face.api.auth import Access
from ood_face.api.served import Served
from ood_face.bootstrap import (
    open_audit,
    open_drift,
    open_galleries,
    open_policies,
    open_review,
    open_service,
)
from ood_face.errors import ArtifactError, ConfigError, OodFaceError
from webui.event_gate import EventGate
from webui.guard import PageGuard
from webui.http_server import StoppableServer
from webui.listening import bound, start_listening, why_not
from webui.page import build_page, head, theme
from webui.reloading import ignore_hangup, reload_on_hangup
from webui.served import PageServed
from webui.signin import SignIn
from webui.unknown_events import refuse_unknown_events

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from ood_face.config import Settings

__all__ = ["EXIT_ARTIFACT", "EXIT_BACKEND", "EXIT_CONFIG", "EXIT_PORT", "build_app", "serve"]

# exit codes of ``serve``; 0 is a stop on request
EXIT_BACKEND = 1
EXIT_CONFIG = 2
EXIT_ARTIFACT = 3
EXIT_PORT = 4

_HERE = Path(__file__).parent

_MEND_WEIGHTS = (
    "put the files of the release into OOD_FACE_WEIGHTS_DIR again; 'ood-face weights verify' "
    "checks all of them"
)

# A network gives Python's lock back for a tenth of a millisecond, many times a picture; at 5 ms,
# Python's own interval, it would then wait for whatever other threads compute (see tests/benchmark)
_SWITCH_S = 0.0002

_logger = logging.getLogger(__name__)


def build_app(served: Served, signin: SignIn | None = None) -> FastAPI:
    """Return the API with the page mounted at ``/`` after it.

    Parameters
    ----------
    served : what does the work
    signin : begins and ends the page's sessions; None: made here, if there are keys to know
    """
    settings = served.settings
    app = create_app(served)
    if signin is None and served.access is not None:
        signin = SignIn(served.access, f"ood_face_{settings.port}", audit=served.audit)
    # behind the first, which counts what this refuses
    app.user_middleware.insert(1, Middleware(PageGuard, access=served.access, signin=signin))
    # behind all others, which bound what it reads
    app.user_middleware.append(Middleware(EventGate))
    app.mount("/static-page", StaticFiles(directory=_HERE / "static"), name="static-page")
    app.mount("/examples", StaticFiles(directory=_HERE / "examples"), name="examples")
    gr.mount_gradio_app(
        app,
        build_page(served),
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=settings.max_image_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        theme=theme(),
        head=head(),
    )
    refuse_unknown_events(app)
    return app


def serve(settings: Settings) -> int:
    """Serve page and API until SIGTERM or SIGINT; return the exit code.

    0: stopped on request. 1: an engine failed at the start, or the data folder cannot be used.
    2: a setting or the scenario file is wrong, or other machines could reach a server without
    keys. 3: weights are missing or broken. 4: the address cannot be listened on. Each but the
    first prints one line on standard error. SIGHUP reads scenarios and calibrations again.
    """
    logs.configure(settings.log_level, settings.log_format)
    # says at length which processors it was not built for
    logging.getLogger("faiss").setLevel(logging.WARNING)
    sys.setswitchinterval(_SWITCH_S)
    # a picture has its cores: OpenCV's own helpers would wait for one that another picture has
    cv2.setNumThreads(settings.threads_per_worker)
    keep_to_oneself()
    warn_of_rights(settings.data_dir)
    ignore_hangup()
    try:
        listener = bound(settings.host, settings.port)
    except OSError as exc:
        return _fail(EXIT_PORT, why_not(settings.host, settings.port, exc), settings)
    with listener, ExitStack() as opened:
        try:
            keys = KeyStore(settings.data_dir)
            opened.callback(keys.close)
            access = Access(keys, settings)
            access.check_start()
            review = open_review(settings)
            opened.callback(review.close)
            service = open_service(settings, review.queue)
            galleries = open_galleries(settings, service, review.queue)
            opened.callback(galleries.close)
            galleries.warm_up()
            drift = open_drift(settings, service.model_id)
            opened.callback(drift.close)
            service.feed.attach(drift)
            review.feed.attach(drift)
            audit = open_audit(settings)
            opened.callback(audit.close)
            policies = open_policies(settings, service, audit)
            parts = Served(service, settings, access, galleries, review, drift, policies, audit)
            served = PageServed.of(parts)
            opened.enter_context(served.kept_tidy())
        except ConfigError as exc:
            return _fail(EXIT_CONFIG, str(exc), settings)
        except ArtifactError as exc:
            return _fail(EXIT_ARTIFACT, f"{exc}; {_MEND_WEIGHTS}", settings)
        except OodFaceError as exc:
            return _fail(EXIT_BACKEND, str(exc), settings)
        server = _server_of(served)
        _logger.info("model %s", service.model_id)
        reload_on_hangup(policies)
        return _run(server, listener, settings)


def _server_of(served: Served) -> StoppableServer:
    app = build_app(served)
    return StoppableServer(app, served.settings, app.state.connections)


def _run(server: StoppableServer, listener: socket.socket, settings: Settings) -> int:
    server.install_signals()
    try:
        start_listening(listener)
    except OSError as exc:
        return _fail(EXIT_PORT, why_not(settings.host, settings.port, exc), settings)
    host, port = listener.getsockname()[:2]
    _logger.info("serving on http://%s:%d", host, port)
    # what is there by now stays to the end: to look through it for garbage takes a tenth of a
    # second each time, in which nobody else has Python's lock
    gc.collect()
    gc.freeze()
    gc.enable()
    server.run(sockets=[listener])
    return 0


def _fail(code: int, sentence: str, settings: Settings) -> int:
    logs.refuse(sentence, settings.log_format)
    return code
