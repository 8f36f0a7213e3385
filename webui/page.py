"""The page: header, language, tabs, explanation; thin views over ``FaceService``."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.messages import DEFAULT_LANGUAGE, LANGUAGES
from webui.catalogue import texts
from webui.compare_tab import CompareTab
from webui.controls import QUIET, Localized
from webui.event_gate import mark_refused
from webui.event_inputs import cleaned, is_session
from webui.extract_tab import ExtractTab
from webui.search_tab import search_tab
from webui.served import PageServed
from webui.signin_bar import AccountBar
from webui.system_tab import SystemTab
from webui.trust_tab import TrustTab
from webui.views import frame
from webui.visitor import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.api.served import Served
    from webui.tabs import PageTab

__all__ = ["TABS", "build_page", "head", "theme"]

# the tabs in their order: name in the catalogue, and what makes it
_TABS: tuple[tuple[str, Callable[[PageServed, Localized], PageTab]], ...] = (
    ("compare", CompareTab),
    ("extract", ExtractTab),
    ("search", search_tab),
    ("trust", TrustTab),
    ("system", SystemTab),
)
TABS = tuple(name for name, _ in _TABS)

# system fonts only: the page loads nothing from elsewhere
_SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_STATIC = Path(__file__).parent / "static"
# Gradio adds the head from its own script, so an event can come before it is there
_SCRIPT_THERE = "while (!window.oodFace) await new Promise((go) => setTimeout(go, 10));"
# the page stores no files; should Gradio ever store one, it goes after this time
_CLEAN_EVERY_S = 300
# Gradio looks for events once a millisecond, and each look takes Python's lock from who computes:
# measured, 45 ms of CPU time a second at rest, and 5 % of a request's with two clients
_LOOK_EVERY_S = 0.02
# and for what to tell of those under way
_PROGRESS_EVERY_S = 0.1
# the results of this many open pages are remembered, the oldest are forgotten first
_MAX_SESSIONS = 500
_NO_INPUTS = "inputs that no page of this server sends are refused"
# name among what Gradio remembers of a session
_OWNER = "ood_face_owner"
_NO_SESSION = "this name of a session is refused"


def head() -> str:
    """Return the links to the page's styles and scripts; those of a tab follow the page's own."""
    parts = sorted(_STATIC.iterdir(), key=lambda path: (path.stem != "page", path.name))
    styles = [
        f'<link rel="stylesheet" href="static-page/{path.name}">'
        for path in parts
        if path.suffix == ".css"
    ]
    scripts = [
        f'<script src="static-page/{path.name}"></script>' for path in parts if path.suffix == ".js"
    ]
    return "\n".join(styles + scripts)


def theme() -> gr.themes.Base:
    """Return the colours and fonts that Gradio's own controls take."""
    plain = gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", radius_size="md", font=_SANS, font_mono=_MONO
    )
    # darker than the theme's own: white on it, and it on white, pass 4.5:1
    return plain.set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color_dark="white",
        color_accent="*primary_700",
        checkbox_background_color_selected="*primary_700",
        checkbox_border_color_selected="*primary_700",
    )


class _RefusedError(gr.Error):  # type: ignore[misc]  # Gradio is untyped here
    """No page of ours sends such an event."""

    def __init__(self, why: str) -> None:
        super().__init__(why, print_exception=False)


class _Page(gr.Blocks):  # type: ignore[misc]  # Gradio is untyped here
    """Blocks that accept no files and no addresses, and forget a visitor who leaves."""

    async def process_api(
        self,
        block_fn: Any,  # noqa: ANN401 - Gradio's own types
        inputs: list[Any],
        *args: Any,  # noqa: ANN401
        **named: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Answer one event; one that no page of ours sends is refused, see ``cleaned``."""
        session, request = named.get("session_hash"), named.get("request")
        try:
            self._check_session(session)
            _keep_to_owner(named.get("state"), request)
            inputs = _cleaned(inputs, named.get("event_data"))
            return await super().process_api(block_fn, inputs, *args, **named)
        except _RefusedError:
            mark_refused(request)
            raise

    async def preprocess_data(
        self,
        block_fn: Any,  # noqa: ANN401 - Gradio's own types
        inputs: list[Any],
        state: Any,  # noqa: ANN401
        explicit_call: bool = False,
    ) -> Any:  # noqa: ANN401
        """Hand the inputs to their controls; what is refused is not written into the log."""
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except (gr.Error, ValueError):
            # it quotes what was sent, which may be a picture
            raise _RefusedError(_NO_INPUTS) from None

    def _check_session(self, session: str | None) -> None:
        if not is_session(session):
            # Gradio has begun it already
            self.state_holder.session_data.pop(session, None)
            raise _RefusedError(_NO_SESSION)

    def forget(self, request: gr.Request) -> None:
        """Drop everything remembered of the page that was closed."""
        self.state_holder.session_data.pop(request.session_hash, None)


def _cleaned(inputs: list[Any], event: Any) -> list[Any]:  # noqa: ANN401 - Gradio's own types
    try:
        if event is not None:
            event._data = cleaned(event._data)
        return [cleaned(value) for value in inputs]
    except ValueError as exc:
        raise _RefusedError(str(exc)) from exc


def _keep_to_owner(state: Any, request: Any) -> None:  # noqa: ANN401 - Gradio's own types
    # what one key's owner was shown is not for who knows the session's name but shows another
    # key, or has signed out: for them it begins anew
    owner = owner_of(request)
    if getattr(state, _OWNER, owner) != owner:
        state.state_data.clear()
    setattr(state, _OWNER, owner)


def build_page(served: Served) -> gr.Blocks:
    """Return the page over what is served."""
    opened = served if isinstance(served, PageServed) else PageServed.of(served)
    service = opened.faces
    first, localized = texts(DEFAULT_LANGUAGE), Localized()
    with _Page(
        title=first("page.title"),
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(_CLEAN_EVERY_S, _CLEAN_EVERY_S),
    ) as page:
        with gr.Row(elem_classes="top-row"):
            localized.html(frame.header)
            account = AccountBar(opened)
            language = _language_switch(localized)
        tabs: list[PageTab] = [account]
        with gr.Tabs():
            for name, made in _TABS:
                with localized.tab(f"tabs.{name}", name):
                    tabs.append(made(opened, localized))
        localized.html(frame.about)
        localized.html(lambda words: frame.footer(words, service.model_id, service.quality_score))
        for tab in tabs:
            tab.connect(language)
        account.opened(_connect_language(page, language, localized, tabs), language)
        page.unload(opened.forget)
        # last, as each of these events begins the session anew
        page.unload(page.forget)
    page.state_session_capacity = _MAX_SESSIONS
    page._queue.sleep_when_free = _LOOK_EVERY_S
    page._queue.progress_update_sleep_when_free = _PROGRESS_EVERY_S
    return page


def _language_switch(localized: Localized) -> gr.Radio:
    words = texts(DEFAULT_LANGUAGE)
    names = {"en": "page.english", "zh": "page.chinese"}
    switch = gr.Radio(
        [(words(names[language]), language) for language in LANGUAGES],
        value=DEFAULT_LANGUAGE,
        label=words("page.language"),
        elem_id="language",
        min_width=160,
    )
    localized.add(switch, lambda words: {"value": words.language, "label": words("page.language")})
    return switch


def _connect_language(
    page: gr.Blocks, language: gr.Radio, localized: Localized, tabs: list[PageTab]
) -> Any:  # noqa: ANN401 - Gradio's event
    def speak(chosen: str, *values: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        words, updates = texts(chosen), localized.updates(texts(chosen))
        left = iter(values)
        for tab in tabs:
            updates += tab.show(words, *islice(left, len(tab.remembered)))
        return updates

    inputs = [language, *chain.from_iterable(tab.remembered for tab in tabs)]
    outputs = [*localized.controls, *chain.from_iterable(tab.results for tab in tabs)]
    shown = f"async (language) => {{ {_SCRIPT_THERE} window.oodFace.languageShown(language); }}"
    loaded = page.load(
        speak,
        inputs,
        outputs,
        js=f"async (_, ...rest) => {{ {_SCRIPT_THERE}"
        " return [window.oodFace.preferredLanguage(), ...rest]; }",
        **QUIET,
    )
    loaded.then(None, [language], js=shown, **QUIET)
    switched = language.input(
        speak,
        inputs,
        outputs,
        js="(language, ...rest) => {"
        " window.oodFace.chooseLanguage(language); return [language, ...rest]; }",
        **QUIET,
    )
    switched.then(None, [language], js=shown, **QUIET)
    return loaded
