"""The page: header, language, tabs, explanation; thin views over ``FaceService``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from webui.catalogue import LANGUAGES, texts
from webui.compare_tab import CompareTab
from webui.controls import Localized
from webui.extract_tab import ExtractTab
from webui.views import frame

if TYPE_CHECKING:
    from ood_face.config import Settings
    from ood_face.service import FaceService
    from webui.outcomes import CompareOutcome, ExtractOutcome

__all__ = ["HEAD", "build_page", "theme"]

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
HEAD = """
<link rel="stylesheet" href="static-page/page.css">
<script src="static-page/page.js"></script>
"""
_STATE_MINUTES = 30
_CLEAN_EVERY_S = 300
# waiting events of all visitors together; past this Gradio refuses
_MAX_WAITING = 64


def theme() -> gr.themes.Base:
    """Return the colours and fonts that Gradio's own controls take."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", radius_size="md", font=_SANS, font_mono=_MONO
    )


def build_page(service: FaceService, settings: Settings) -> gr.Blocks:
    """Return the page over a service.

    Parameters
    ----------
    service : what does the work
    settings : the limits on pictures, and how many are processed at once
    """
    first, localized = texts("en"), Localized()
    keep = {"state_seconds": _STATE_MINUTES * 60}
    with gr.Blocks(
        title=first("page.title"),
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(_CLEAN_EVERY_S, _STATE_MINUTES * 60),
    ) as page:
        with gr.Row(elem_classes="top-row"):
            _frame_part(localized, frame.header)
            language = _language_switch(localized)
        with gr.Tabs():
            with _tab(localized, "compare"):
                compare = CompareTab(service, settings, localized, **keep)
            with _tab(localized, "extract"):
                extract = ExtractTab(service, settings, localized, **keep)
        _frame_part(localized, lambda words: frame.about(words, _STATE_MINUTES))
        _frame_part(localized, lambda words: frame.footer(words, service.model_id))
        compare.connect(language)
        extract.connect(language)
        _connect_language(page, language, localized, compare, extract)
    page.queue(
        max_size=_MAX_WAITING, default_concurrency_limit=settings.workers, api_open=False
    )
    return page


def _frame_part(localized: Localized, view: Any) -> None:  # noqa: ANN401 - a function of Texts
    localized.add(
        gr.HTML(view(texts("en")), apply_default_css=False), lambda words: {"value": view(words)}
    )


def _tab(localized: Localized, name: str) -> gr.Tab:
    tab = gr.Tab(texts("en")(f"tabs.{name}"), id=name, render_children=True)
    localized.add(tab, lambda words: {"label": words(f"tabs.{name}")})
    return tab


def _language_switch(localized: Localized) -> gr.Radio:
    words = texts("en")
    names = {"en": "page.english", "zh": "page.chinese"}
    switch = gr.Radio(
        [(words(names[language]), language) for language in LANGUAGES],
        value="en",
        label=words("page.language"),
        container=False,
        elem_id="language",
        min_width=160,
    )
    localized.add(switch, lambda words: {"value": words.language, "label": words("page.language")})
    return switch


def _connect_language(
    page: gr.Blocks,
    language: gr.Radio,
    localized: Localized,
    compare: CompareTab,
    extract: ExtractTab,
) -> None:
    def speak(
        chosen: str,
        compared: CompareOutcome | None,
        extracted: ExtractOutcome | None,
        scenario: str,
    ) -> list[Any]:
        words = texts(chosen)
        return [
            *localized.updates(words),
            *compare.show(compared, scenario, words),
            *extract.show(extracted, words),
        ]

    inputs = [language, compare.outcome, extract.outcome, compare.scenario]
    outputs = [*localized.controls, *compare.results, *extract.results]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = "(language) => window.oodFace.languageShown(language)"
    loaded = page.load(
        speak,
        inputs,
        outputs,
        js="(_, ...rest) => [window.oodFace.preferredLanguage(), ...rest]",
        **quiet,
    )
    loaded.then(None, [language], js=shown, **quiet)
    switched = language.input(
        speak,
        inputs,
        outputs,
        js="(language, ...rest) => {"
        " window.oodFace.chooseLanguage(language); return [language, ...rest]; }",
        **quiet,
    )
    switched.then(None, [language], js=shown, **quiet)
