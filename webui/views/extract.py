"""The result of an extraction: a table of faces, and the downloads."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ood_face.messages import level_name, quality_score_note
from ood_face.types import QualityScore
from webui.markup import Html, join, tag
from webui.outcomes import Problem
from webui.views.extract_files import faces_of, features_csv, features_json, features_npz
from webui.views.parts import error_card, error_text, waiting_card
from webui.views.uncertainty import uncertainty_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.types import FaceTemplate
    from webui.catalogue import Texts
    from webui.outcomes import ExtractOutcome, Marks

__all__ = ["extract_view"]

_NUMBERS_SHOWN = 8
# how much larger than the face its picture is
_MARGIN = 1.25


def extract_view(outcome: ExtractOutcome | None, texts: Texts) -> Html:
    """Return the table of all faces with downloads, or what is missing."""
    if outcome is not None and outcome.error is not None:
        return error_card(Problem(outcome.error), texts)
    if outcome is None or not outcome.files:
        return waiting_card(texts, "extract")
    found = list(faces_of(outcome))
    problems = [_problem(name, sentence, texts) for name, sentence in _failures(outcome, texts)]
    key = "extract.summary_one" if len(found) == 1 else "extract.summary_many"
    parts = [tag("p", texts(key, count=len(found)), class_="summary"), *problems]
    if found:
        parts += [_gallery(outcome, texts), _table(outcome, texts), uncertainty_view(found, texts)]
        parts.append(_downloads(outcome, texts))
    return tag("section", *parts, class_="extracted")


def _failures(outcome: ExtractOutcome, texts: Texts) -> Iterator[tuple[str, str]]:
    for file in outcome.files:
        if file.error is not None:
            yield file.name, error_text(file.error, texts)
        elif not file.templates:
            yield file.name, texts("extract.no_face")


def _problem(name: str, sentence: str, texts: Texts) -> Html:
    return tag("p", texts("extract.problem", file=name, problem=sentence), class_="problem")


def _gallery(outcome: ExtractOutcome, texts: Texts) -> Html:
    pictures = [
        _picture(index, file.name, number, template, file.marks, texts)
        for index, file in enumerate(outcome.files)
        for number, template in enumerate(file.templates, start=1)
    ]
    return tag("ul", *pictures, class_="face-gallery", aria_label=texts("extract.gallery"))


def _picture(
    index: int, name: str, number: int, template: FaceTemplate, marks: Marks, texts: Texts
) -> Html:
    # the browser has the picture; the script shows the part of it that is the face
    left, top, right, bottom = (float(edge) for edge in template.face.box_xyxy_px)
    side = min(_MARGIN * max(right - left, bottom - top), marks.width, marks.height) or 1.0
    x = min(max((left + right - side) / 2, 0.0), marks.width - side)
    y = min(max((top + bottom - side) / 2, 0.0), marks.height - side)
    style = (
        f"background-size:{100 * marks.width / side:.1f}% {100 * marks.height / side:.1f}%;"
        f"background-position:{_along(x, marks.width - side)}% {_along(y, marks.height - side)}%"
    )
    alt = texts("uncertainty.of", file=name, number=number)
    thumb = tag(
        "span", class_="face-thumb", style=style, data_picture=index, role="img", aria_label=alt
    )
    level = template.quality_level
    if level is None:
        said = Html()
    else:
        swatch = tag("span", class_="swatch", aria_hidden="true")
        words = f"{level_name(level, texts.language)} · {template.quality}"
        said = tag("span", swatch, words, class_=f"level-{level}")
    return tag("li", thumb, tag("span", name, class_="face-name"), said)


def _along(start: float, room: float) -> str:
    return f"{100 * start / room:.1f}" if room > 0 else "0"


def _table(outcome: ExtractOutcome, texts: Texts) -> Html:
    columns = ("file", "face", "score", "level", "box", "probability", "feature")
    head = [tag("th", texts(f"extract.{column}"), scope="col") for column in columns]
    body = [_row(name, number, face, texts) for name, number, face in faces_of(outcome)]
    table = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
        class_="faces",
        aria_label=texts("extract.table"),
    )
    label = texts("extract.table")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def _row(name: str, number: int, template: FaceTemplate, texts: Texts) -> Html:
    face = template.face
    numbers = " ".join(f"{v:+.3f}" for v in template.feature[:_NUMBERS_SHOWN])
    return tag(
        "tr",
        tag("td", name),
        tag("td", str(number)),
        *_quality_cells(template, texts),
        tag("td", ", ".join(f"{v:.0f}" for v in face.box_xyxy_px)),
        tag("td", f"{face.probability:.4f}"),
        tag("td", tag("code", numbers)),
    )


def _quality_cells(template: FaceTemplate, texts: Texts) -> tuple[Html, ...]:
    score, level = template.ood_score, template.quality_level
    if score is None or level is None:
        sentence = quality_score_note(QualityScore.NONE, texts.language)
        return (tag("td", sentence, colspan=2, class_="score-none"),)
    swatch = tag("span", class_="swatch", aria_hidden="true")
    name = level_name(level, texts.language)
    words = tag("td", swatch, name, f" ({template.quality})", class_=f"level-{level}")
    return tag("td", f"{score:.3f}"), words


def _downloads(outcome: ExtractOutcome, texts: Texts) -> Html:
    links = [
        _link(features_json(outcome), "application/json", "faces.json", texts("extract.json")),
        _link(features_npz(outcome), "application/octet-stream", "faces.npz", texts("extract.npz")),
        _link(features_csv(outcome), "text/csv", "faces.csv", texts("extract.csv")),
    ]
    note = tag("p", tag("small", texts("extract.download_note")))
    return tag("div", join(*links), note, class_="downloads")


def _link(data: bytes, mime: str, name: str, label: str) -> Html:
    # inside the page, not in a file on the server that somebody else might fetch
    encoded = base64.b64encode(data).decode("ascii")
    return tag("a", label, href=f"data:{mime};base64,{encoded}", download=name, class_="download")
