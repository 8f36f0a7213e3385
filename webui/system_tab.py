"""The tab that tells operators how the system is and programs how to call it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import gradio as gr

import ood_face
from ood_face.bootstrap import read_model_card
from ood_face.errors import ArtifactError, OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET
from webui.markup import tag
from webui.system_state import SystemState, look, measure
from webui.trust_part import ask_script, asked, asking, done_script
from webui.views.system import system_view
from webui.visitor import address_of, may, visitor

if TYPE_CHECKING:
    from ood_face.api.served import Served
    from ood_face.bootstrap import ModelCard
    from webui.catalogue import Texts
    from webui.controls import Localized

__all__ = ["SystemTab"]

_NAME = "system"
# what works beneath, by the name people know it by
_PACKAGES = {"Paddle": "paddlepaddle", "Gradio": "gradio", "NumPy": "numpy", "FAISS": "faiss-cpu"}


class SystemTab:
    """Health, speed, model, scenarios, and snippets for programs.

    Parameters
    ----------
    served : all of it
    localized : where the controls register their texts
    """

    def __init__(self, served: Served, localized: Localized) -> None:
        self._served = served
        self._model = _read_card(served)
        self._versions = _versions(served.faces.model_id)
        first = texts(DEFAULT_LANGUAGE)
        # remembered so that it can change its language
        self._state = gr.State(None)
        localized.html(_intro)
        self._view = asking(_NAME, self._show(None, first))

    @property
    def remembered(self) -> list[Any]:
        """What was found last."""
        return [self._state]

    @property
    def results(self) -> list[Any]:
        """All that is shown."""
        return [self._view]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        (state,) = remembered
        return [self._show(state, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        done = self._view.submit(
            self._look,
            [self._view, self._state, language],
            [self._state, *self.results],
            js=ask_script(_NAME, others=2),
            trigger_mode="multiple",
            **QUIET,
        )
        done.then(None, js=done_script(_NAME), **QUIET)

    def _look(
        self, sent: object, before: SystemState | None, language: str, request: gr.Request
    ) -> list[Any]:
        speed = None if before is None else before.speed
        try:
            visitor(request, self._served.access, None)
            if asked(sent).get("do") == "speed":
                speed = measure(self._served.faces)
            enrolled = may(request, self._served.access, Role.READ)
            address = address_of(request)
            state = look(self._served, with_galleries=enrolled, address=address, speed=speed)
        except OodFaceError as error:
            state = SystemState(error=error, needs_key=True, speed=speed)
        return [state, self._show(state, texts(language))]

    def _show(self, state: SystemState | None, words: Texts) -> str:
        return system_view(state, self._model, self._served.faces.policies, self._versions, words)


def _intro(words: Texts) -> str:
    return tag("p", words("system.intro"), class_="intro")


def _read_card(served: Served) -> ModelCard | OodFaceError:
    scenarios = served.faces.scenarios
    default = scenarios.get("default") or next(iter(scenarios.values()))
    try:
        return read_model_card(served.settings, served.faces.model_id, default.same_above)
    except ArtifactError as error:
        return error


def _versions(model_id: str) -> dict[str, str]:
    found = {
        "ood_face": ood_face.__version__,
        model_id.partition("@")[0]: model_id.partition("@")[2] or model_id,
        "Python": platform.python_version(),
    }
    for name, package in _PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            # another build of it, such as one for graphics cards
            continue
    return found
