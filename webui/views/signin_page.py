"""The page that asks for a key: a whole document, which works without any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.messages import LANGUAGES
from webui.catalogue import texts
from webui.markup import Html, join, tag

if TYPE_CHECKING:
    from ood_face.messages import Language

__all__ = ["signin_document"]

_HTML_LANGUAGES = {"en": "en", "zh": "zh-CN"}
_NAMES = {"en": "page.english", "zh": "page.chinese"}


def signin_document(language: Language, problem: str = "", name: str = "") -> str:
    """Return the document.

    Parameters
    ----------
    language : of its words; a link leads to the others
    problem : why the last attempt failed; empty: there was none
    name : as it was given then
    """
    words = texts(language)
    said = tag("p", problem, class_="problem", role="alert", id="problem") if problem else Html()
    form = tag(
        "form",
        said,
        _field("name", words("signin.name"), "text", "username", name),
        tag("p", words("signin.name_note"), class_="note", id="name-note"),
        _field("key", words("signin.key"), "password", "current-password", ""),
        tag("p", words("signin.key_note"), class_="note", id="key-note"),
        tag("input", type="hidden", name_="language", value=language),
        tag("button", words("signin.button"), type="submit"),
        method="post",
        action="sign-in",
    )
    body = tag(
        "main",
        tag("h1", words("page.title")),
        tag("p", words("signin.why"), class_="why"),
        form,
        tag("p", words("signin.programs"), class_="note"),
    )
    head = join(
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{words('signin.title')} · {words('page.name')}"),
        Html('<link rel="stylesheet" href="static-page/signin.css">'),
    )
    page = tag(
        "html",
        tag("head", head),
        tag("body", _languages(language), body),
        lang=_HTML_LANGUAGES[language],
        class_="signin",
    )
    return f"<!doctype html>{page}"


def _field(name: str, label: str, kind: str, remembered_as: str, value: str) -> Html:
    box = tag(
        "input",
        id=name,
        name_=name,
        type=kind,
        value=value or None,
        autocomplete=remembered_as,
        autocapitalize="none",
        spellcheck="false",
        aria_describedby=f"{name}-note",
        required=kind == "password",
        autofocus=kind == "password",
    )
    return tag("div", tag("label", label, for_=name), box, class_="field")


def _languages(language: Language) -> Html:
    words = texts(language)
    links = [
        tag(
            "a",
            words(_NAMES[other]),
            href=f"sign-in?language={other}",
            hreflang=_HTML_LANGUAGES[other],
            lang=_HTML_LANGUAGES[other],
            aria_current="true" if other == language else None,
        )
        for other in LANGUAGES
    ]
    return tag("nav", *links, aria_label=words("page.language"))
