"""What stands around the results: header, examples, explanation, footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.messages import quality_score_note
from webui.markup import Html, tag

if TYPE_CHECKING:
    from ood_face.types import QualityScore
    from webui.catalogue import Texts

__all__ = ["EXAMPLES", "about", "examples", "footer", "header"]

# name of the pair, left and right file in webui/examples
EXAMPLES = (
    ("same", "portrait.jpg", "speech.jpg"),
    ("different", "portrait.jpg", "astronaut.jpg"),
    ("blurred", "speech.jpg", "blurred.jpg"),
)


def header(texts: Texts) -> Html:
    """Return the name of the page and the sentence that says what it does."""
    return tag(
        "header",
        tag("h1", texts("page.title")),
        tag("p", texts("page.tagline")),
        class_="page-header",
        data_title=texts("page.title"),
    )


def examples(texts: Texts) -> Html:
    """Return the buttons that put two free pictures into the pickers."""
    buttons = [
        tag(
            "button",
            *[_thumbnail(file) for file in (left, right)],
            tag("span", texts(f"examples.{name}")),
            type="button",
            class_="example",
            data_example_left=f"examples/{left}",
            data_example_right=f"examples/{right}",
        )
        for name, left, right in EXAMPLES
    ]
    title = tag("span", texts("examples.title"), class_="examples-title")
    return tag("div", title, *buttons, class_="examples")


def about(texts: Texts) -> Html:
    """Return the fold that explains the numbers, their limits, and the handling of pictures."""
    sections = [
        tag("h3", texts("about.quality_title")),
        tag("p", texts("about.quality")),
        tag("p", texts("about.levels")),
        tag("h3", texts("about.similarity_title")),
        tag("p", texts("about.similarity")),
        tag("h3", texts("about.limits_title")),
        tag("p", texts("about.limits")),
        tag("h3", texts("about.privacy_title")),
        tag("p", texts("about.privacy")),
    ]
    return tag("details", tag("summary", texts("about.title")), *sections, class_="about")


def footer(texts: Texts, model_id: str, quality_score: QualityScore) -> Html:
    """Return the model's name, what its scores lack, the way to the API, and the examples' origin.

    Parameters
    ----------
    quality_score : what the model's scores are worth; said where it is not calibrated
    """
    note = quality_score_note(quality_score, texts.language)
    link = tag("a", texts("footer.api"), href="openapi.json")
    return tag(
        "footer",
        tag("span", texts("page.name"), " · ", tag("code", model_id)),
        tag("strong", note) if note else Html(),
        link,
        tag("span", texts("footer.examples")),
        class_="page-footer",
    )


def _thumbnail(file: str) -> Html:
    # the button's words say what the pair is
    return tag("img", src=f"examples/{file}", alt="", width=40, height=40)
