"""Both languages are complete, and no sentence stands outside them."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import webui
from ood_face.matching import load_scenarios
from webui.catalogue import texts

ROOT = Path(webui.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
SCRIPT = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "static").glob("*.js"))
)
# Gradio arguments that people read
READ_BY_PEOPLE = {"label", "placeholder", "info", "title", "value", "alt", "aria_label"}
BUILDERS = {"tag", "card", "join", "rows", "Radio", "Button", "Tab", "HTML", "Markdown", "Textbox"}
# literals of the script that are no sentences: code, formats of SVG and MIME, class names
NO_SENTENCES = re.compile(
    r"use strict|xMidYMid meet|mark mark-chosen|picker-button picker-.*|0 0 .*|image/\*,.*"
)


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def has_words(text: str) -> bool:
    return re.search(r"[^\W\d_]", text) is not None


def test_both_languages_have_the_same_sentences_with_the_same_places():
    english, chinese = texts("en").templates(), texts("zh").templates()

    assert english.keys() == chinese.keys()
    for key, sentence in english.items():
        assert places(sentence) == places(chinese[key]), key
        assert sentence.strip(), key
        assert chinese[key].strip(), key


def test_the_chinese_is_chinese():
    same = {"page.name", "page.english", "page.chinese"}
    chinese = {
        key: sentence for key, sentence in texts("zh").templates().items() if key not in same
    }
    lacking = [
        key
        for key, sentence in chinese.items()
        if not re.search(r"[\u4e00-\u9fff]", sentence)
        and has_words(re.sub(r"\{\w+\}", "", sentence))
    ]

    assert lacking == []


def test_the_english_holds_no_chinese_but_the_name_of_the_language():
    found = [key for key, s in texts("en").templates().items() if re.search(r"[\u4e00-\u9fff]", s)]

    assert found == ["page.chinese"]


def test_every_builtin_scenario_has_a_title_and_a_note():
    for name in load_scenarios():
        assert f"scenario.{name}" in texts("zh")
        assert f"scenario.{name}_note" in texts("zh")


def test_every_sentence_is_used():
    code = SCRIPT + "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    # a name may stand in parts, as in f"similarity.zone_{name}"; a scenario's title and note are
    # looked up by the scenario's own name
    code += " ".join(f"{name} {name}_note" for name in load_scenarios())
    unused = []
    for key in texts("en").templates():
        name = key.split(".")[1].removesuffix("_many")
        parts = [name[:end] + "{" for end in range(1, len(name)) if name[end - 1] == "_"]
        if not any(part in code for part in [name, *parts]):
            unused.append(key)

    assert unused == []


def test_a_missing_sentence_is_an_error_and_not_an_empty_place():
    with pytest.raises(KeyError):
        texts("en")("page.no_such_sentence")


def test_an_unknown_language_reads_english():
    assert texts("xx")("tabs.compare") == texts("en")("tabs.compare")


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def shown_literals(call: ast.Call) -> list[str]:
    # the first argument of tag is an element's name, of card a kind
    shown = [*call.args[1:]] if called(call) in {"tag", "card"} else [*call.args]
    shown += [keyword.value for keyword in call.keywords if keyword.arg in READ_BY_PEOPLE]
    parts = [
        part
        for argument in shown
        for part in (argument.values if isinstance(argument, ast.JoinedStr) else [argument])
    ]
    return [part.value for part in parts if isinstance(part, ast.Constant)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_python_file_holds_a_sentence_for_the_page(path):
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and called(node) in BUILDERS
    ]
    literals = [literal for call in calls for literal in shown_literals(call)]

    assert [text for text in literals if isinstance(text, str) and has_words(text)] == []


def test_the_script_holds_no_sentence():
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", SCRIPT, flags=re.DOTALL)
    literals = [
        a or b or c for a, b, c in re.findall(r'"([^"\n]*)"|`([^`]*)`|\'([^\'\n]*)\'', code)
    ]
    sentences = [
        text
        for text in literals
        if re.search(r"[A-Za-z]{2,} [A-Za-z]|[\u4e00-\u9fff]", re.sub(r"\$\{[^}]*\}", "", text))
        and not NO_SENTENCES.fullmatch(text)
    ]

    assert sentences == []
    assert re.search(r"(textContent|innerHTML|\.title) = \"", code) is None
