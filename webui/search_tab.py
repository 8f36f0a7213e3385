"""The tab that says who somebody is: galleries of people, searches, and adding people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from webui.catalogue import texts
from webui.controls import QUIET
from webui.markup import tag
from webui.search_galleries import GalleryBar
from webui.search_identify import IdentifyPart
from webui.search_many import ManyPart
from webui.search_one import OnePart
from webui.search_outcomes import Shelf
from webui.search_people import PeoplePart
from webui.views.search import no_galleries_view

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.served import PageServed
    from webui.tabs import PageTab

__all__ = ["SearchTab", "search_tab"]


class SearchTab:
    """The bar with the galleries, and four views of the chosen one.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    localized : where the controls register their texts
    """

    def __init__(self, served: PageServed, galleries: GalleryService, localized: Localized) -> None:
        intro = localized.html(_intro)
        # the tab that is open while this is made
        self._tab = intro.parent
        with gr.Column(elem_id="search"):
            self._bar = GalleryBar(served, galleries)
            with gr.Tabs(elem_id="search-views"):
                with localized.tab("search.view_who", "who"):
                    self._identify = IdentifyPart(served, galleries, localized, self._bar.shelf)
                with localized.tab("search.view_one", "one"):
                    self._one = OnePart(served, galleries, localized, self._bar)
                with localized.tab("search.view_many", "many"):
                    self._many = ManyPart(served, galleries, localized, self._bar)
                with localized.tab("search.view_people", "people") as people:
                    self._people = PeoplePart(served, galleries, self._bar)
                self._people_view = people

    @property
    def remembered(self) -> list[Any]:
        """The galleries, what was found, planned and enrolled, and the people that are shown."""
        return [
            self._bar.shelf,
            self._identify.outcome,
            self._one.run.state,
            self._many.plan,
            self._many.run.state,
            self._people.people,
        ]

    @property
    def results(self) -> list[Any]:
        """The controls that show what came out."""
        return [
            self._bar.bar,
            *self._identify.results,
            *self._one.run.results,
            *self._many.results,
            *self._many.run.results,
            *self._people.results,
        ]

    def show(self, words: Texts, *remembered: Any) -> list[Any]:  # noqa: ANN401 - Gradio's values
        """Return the values of ``results`` in a language."""
        shelf, outcome, one, plan, many, people = remembered
        return [
            self._bar.view(shelf, words),
            *self._identify.show(words, shelf, outcome),
            *self._one.run.show(words, one),
            *self._many.show(words, plan),
            *self._many.run.show(words, many),
            *self._people.show(words, people, shelf),
        ]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        for part in (self._identify, self._one, self._many, self._people):
            part.connect(language)
        bar = self._bar
        self._tab.select(self._open, [bar.shelf, language], bar.outputs, **QUIET)
        chosen = bar.bar.submit(self._answer, [bar.shelf, language], bar.outputs, **QUIET)
        self._people.look_when(chosen.then, language)
        self._people.look_when(self._people_view.select, language)
        self._identify.search_again(chosen, language)

    def _open(self, shelf: object, language: str, request: gr.Request) -> list[Any]:
        chosen = shelf.chosen if isinstance(shelf, Shelf) else None
        return self._bar.updates(self._bar.look(request, chosen), texts(language))

    def _answer(
        self, shelf: object, language: str, event: gr.EventData, request: gr.Request
    ) -> list[Any]:
        known = shelf if isinstance(shelf, Shelf) else None
        return self._bar.updates(self._bar.answer(known, event, request), texts(language))


class _NoGalleries:
    """The tab where the server keeps no galleries; see :class:`webui.tabs.PageTab`."""

    def __init__(self, localized: Localized) -> None:
        localized.html(no_galleries_view)
        self.remembered: list[Any] = []
        self.results: list[Any] = []

    def show(self, _words: Texts, *_remembered: Any) -> list[Any]:  # noqa: ANN401
        """Return nothing: there is nothing to change."""
        return []

    def connect(self, language: gr.Radio) -> None:
        """Bind nothing."""


def search_tab(served: PageServed, localized: Localized) -> PageTab:
    """Return the tab, over the server's galleries if it keeps any."""
    if served.galleries is None:
        return _NoGalleries(localized)
    return SearchTab(served, served.galleries, localized)


def _intro(words: Texts) -> str:
    return tag("p", words("search.intro"), class_="intro")
