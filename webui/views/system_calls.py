"""How a program calls the API: snippets that run as they are, with this server's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.markup import Html, tag

if TYPE_CHECKING:
    from webui.catalogue import Texts

__all__ = ["calls"]

# in the place of this server's address
_HERE = "@here@"
_CURL_KEY = " \\\n  -H 'Authorization: Bearer YOUR_API_KEY'"
_PYTHON_KEY = "headers={'Authorization': 'Bearer YOUR_API_KEY'},\n        "
_SNIPPETS = {
    "compare_curl": f"curl {_HERE}/v1/compare \\\n"
    "  -F image_a=@first.jpg -F image_b=@second.jpg -F scenario=default%(curl)s",
    "extract_curl": f"curl {_HERE}/v1/extract -F image=@photo.jpg%(curl)s",
    "compare_python": f"""\
import httpx

with open('first.jpg', 'rb') as first, open('second.jpg', 'rb') as second:
    answer = httpx.post(
        '{_HERE}/v1/compare',
        files={{'image_a': first, 'image_b': second}},
        data={{'scenario': 'default'}},
        %(python)stimeout=30,
    )
answer.raise_for_status()
found = answer.json()
print(found['verdict'], found['probability'])""",
    "extract_python": f"""\
import httpx

with open('photo.jpg', 'rb') as photo:
    answer = httpx.post(
        '{_HERE}/v1/extract',
        files={{'image': photo}},
        %(python)stimeout=30,
    )
answer.raise_for_status()
for face in answer.json()['faces']:
    print(face['ood_score'], face['feature'][:3])""",
}


def calls(texts: Texts, address: str, *, needs_key: bool) -> Html:
    """Return the snippets with buttons to copy them.

    Parameters
    ----------
    address : of this server as the visitor's browser knows it, such as ``https://faces.example``
    needs_key : the API asks for a key: there is a place for it
    """
    keys = {"curl": _CURL_KEY, "python": _PYTHON_KEY} if needs_key else {"curl": "", "python": ""}
    snippets = [
        _snippet(name, (text % keys).replace(_HERE, address), texts)
        for name, text in _SNIPPETS.items()
    ]
    note = texts("system.calls_key" if needs_key else "system.calls_open")
    link = tag("a", texts("system.calls_all"), href="openapi.json")
    return tag(
        "section",
        tag("h2", texts("system.calls")),
        tag("p", note, " ", link, class_="soft"),
        tag("div", *snippets, class_="snippets"),
        class_="panel panel-calls",
    )


def _snippet(name: str, text: str, texts: Texts) -> Html:
    title = texts(f"system.call_{name}")
    copy = tag(
        "button",
        texts("system.copy"),
        type="button",
        class_="quiet",
        data_copy="",
        data_copied=texts("system.copied"),
        aria_label=f"{texts('system.copy')}: {title}",
    )
    head = tag("div", tag("h3", title), copy, class_="snippet-head")
    pre = tag("pre", tag("code", text), tabindex=0, role="region", aria_label=title)
    return tag("div", head, pre, class_="snippet")
