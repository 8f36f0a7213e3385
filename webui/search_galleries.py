"""The bar of the tab Search: which gallery, and making a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import InputError, OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.search_outcomes import Shelf, look_at_shelf
from webui.search_parts import acts, asked
from webui.views.search import shelf_view
from webui.visitor import may, visitor

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.served import PageServed

__all__ = ["GalleryBar"]


class GalleryBar:
    """Chooses a gallery, for the other parts to use, and makes new ones.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it

    Attributes
    ----------
    shelf : holds the :class:`Shelf`, or None before the tab was opened
    bar : shows it
    """

    def __init__(self, served: PageServed, galleries: GalleryService) -> None:
        self._served, self._galleries = served, galleries
        self.shelf = gr.State(None)
        self.bar = acts("gallery-bar", self.view(None, texts(DEFAULT_LANGUAGE)))

    @property
    def outputs(self) -> list[Any]:
        """What ``updates`` are for."""
        return [self.shelf, self.bar]

    def view(self, shelf: Shelf | None, words: Texts) -> str:
        """Return the bar in a language."""
        return shelf_view(shelf, self._served.faces.scenarios, words)

    def updates(self, shelf: Shelf, words: Texts) -> list[Any]:
        """Return the values of ``outputs``."""
        return [shelf, self.view(shelf, words)]

    def look(self, request: gr.Request, wanted: str | None) -> Shelf:
        """Return the galleries as they are now, as far as the visitor may see them."""
        try:
            visitor(request, self._served.access, Role.READ)
            admin = may(request, self._served.access, Role.ADMIN)
            return look_at_shelf(self._galleries, wanted, may_admin=admin)
        except OodFaceError as error:
            return Shelf(problem=error)

    def answer(self, shelf: Shelf | None, event: gr.EventData, request: gr.Request) -> Shelf:
        """Return the galleries after what was asked in the bar."""
        told = asked(event)
        chosen = None if shelf is None else shelf.chosen
        match told:
            case {"act": "choose", "value": value}:
                return self.look(request, value)
            case {"act": "create"}:
                return self._create(told, chosen, request)
            case _:
                return self.look(request, chosen)

    def _create(self, told: dict[str, str], chosen: str | None, request: gr.Request) -> Shelf:
        name = told.get("name", "").strip()
        try:
            caller = visitor(request, self._served.access, Role.ADMIN)
            self._galleries.create_gallery(
                name,
                scenario=told.get("scenario", "default"),
                max_templates=_number(told.get("templates", "")),
                keep_crops="crops" in told,
                caller=caller,
            )
        except OodFaceError as error:
            return replace(self.look(request, chosen), problem=error)
        return replace(self.look(request, name), done="created", done_to=name)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise InputError("gallery.templates_number", "{text} is no whole number", text=ascii(text))
    return int(text)
