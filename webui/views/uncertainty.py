"""How sure the model is of each face, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webui.markup import Html, tag
from webui.views.parts import rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ood_face.types import FaceTemplate
    from ood_face.uncertainty import Uncertainty
    from webui.catalogue import Texts

__all__ = ["uncertainty_view"]


def uncertainty_view(faces: Iterable[tuple[str, int, FaceTemplate]], texts: Texts) -> Html:
    """Return a table of figures for every face that has them; empty where none has.

    Parameters
    ----------
    faces : file, number in the file, and the face
    """
    parts = [
        tag(
            "section",
            tag("h3", texts("uncertainty.of", file=name, number=number)),
            rows(_figures(face.uncertainty, texts)),
        )
        for name, number, face in faces
        if face.uncertainty is not None
    ]
    if not parts:
        return Html()
    note = tag("p", texts("uncertainty.note"))
    title = tag("h2", texts("uncertainty.title"))
    return tag("section", title, note, *parts, class_="uncertainties")


def _figures(found: Uncertainty, texts: Texts) -> list[tuple[str, str]]:
    score = texts(
        "uncertainty.score_value",
        mean=f"{found.score_mean:.3f}",
        spread=f"{found.score_spread:.3f}",
        passes=found.passes,
    )
    return [
        (texts("uncertainty.score"), score),
        (texts("uncertainty.feature_spread"), f"{found.feature_spread:.4f}"),
        (texts("uncertainty.entropy"), _share(found.entropy, texts)),
        (texts("uncertainty.doubt"), _share(found.one_minus_max_probability, texts)),
        (texts("uncertainty.rts_variance"), f"{found.rts_variance:.4f}"),
    ]


def _share(value: float | None, texts: Texts) -> str:
    return texts("uncertainty.no_identities") if value is None else f"{value:.4f}"
