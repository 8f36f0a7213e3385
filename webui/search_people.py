"""The part of the tab Search that shows who is enrolled, and deletes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import InputError, OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Role
from webui.catalogue import texts
from webui.controls import QUIET
from webui.search_outcomes import People, Shelf, find_people
from webui.search_parts import acts, asked
from webui.views.search_people import people_view
from webui.visitor import visitor

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.search_galleries import GalleryBar
    from webui.served import PageServed

__all__ = ["PeoplePart"]

# of a number that SQLite can hold
_MOST_DIGITS = 18


class PeoplePart:
    """A table of people with pages; buttons that delete, after asking.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    bar : holds the chosen gallery

    Attributes
    ----------
    people : holds the :class:`People` that are shown, or None
    """

    def __init__(self, served: PageServed, galleries: GalleryService, bar: GalleryBar) -> None:
        self._served, self._galleries, self._bar = served, galleries, bar
        self.people = gr.State(None)
        self._table = acts("people", people_view(None, None, texts(DEFAULT_LANGUAGE)))

    @property
    def results(self) -> list[Any]:
        """The control that shows the people."""
        return [self._table]

    def show(self, words: Texts, people: People | None, shelf: Shelf | None) -> list[Any]:
        """Return the values of ``results`` in a language."""
        return [people_view(people, shelf, words)]

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        self._table.submit(
            self._answer,
            [self.people, self._bar.shelf, language],
            [self.people, *self.results, *self._bar.outputs],
            **QUIET,
        )

    def look_when(self, happened: Any, language: gr.Radio) -> None:  # noqa: ANN401 - Gradio's event
        """Show the people as they are whenever something happens.

        Parameters
        ----------
        happened : such as ``tab.select`` or an event's ``then``
        language : of the page
        """
        happened(self._look, [self._bar.shelf, language], [self.people, *self.results], **QUIET)

    def _look(self, shelf: object, language: str, request: gr.Request) -> list[Any]:
        known = shelf if isinstance(shelf, Shelf) else None
        people = None
        if known is not None and known.chosen is not None:
            people = self._page(known.chosen, People(), request)
        return [people, *self.show(texts(language), people, known)]

    def _answer(
        self,
        people: object,
        shelf: object,
        language: str,
        event: gr.EventData,
        request: gr.Request,
    ) -> list[Any]:
        words = texts(language)
        present = people if isinstance(people, People) else People()
        if not isinstance(shelf, Shelf) or shelf.chosen is None:
            return [None, *self.show(words, None, None), *[gr.update() for _ in self._bar.outputs]]
        told = asked(event)
        if told.get("act") == "end":
            return self._end(told.get("name", ""), present, shelf, request, words)
        new = self._next(told, present, shelf.chosen, request)
        bar = [gr.update() for _ in self._bar.outputs]
        if new.done:
            shelf = self._bar.look(request, shelf.chosen)
            bar = self._bar.updates(shelf, words)
        return [new, *self.show(words, new, shelf), *bar]

    def _next(
        self, told: dict[str, str], present: People, gallery: str, request: gr.Request
    ) -> People:
        clean = replace(present, problem=None, done="", asking=None)
        last = present.subjects[-1].subject_id if present.subjects else None
        who = told.get("id", "")
        new = clean
        match told.get("act"):
            case "find":
                new = self._page(gallery, People(query=told.get("query", "")), request)
            case "on" if present.more:
                after = (*clean.before, last)
                new = self._page(gallery, replace(clean, before=after), request)
            case "back" if present.before:
                new = self._page(gallery, replace(clean, before=clean.before[:-1]), request)
            case "open":
                new = replace(clean, opened=None if present.opened == who else who)
            case "ask":
                new = replace(clean, asking=(who, _number(told.get("template"))))
            case "delete" | "delete-picture":
                new = self._delete(told, clean, gallery, request)
        return new

    def _delete(
        self, told: dict[str, str], present: People, gallery: str, request: gr.Request
    ) -> People:
        who, version = told.get("id", ""), _number(told.get("version"))
        template = _number(told.get("template"))
        try:
            caller = visitor(request, self._served.access, Role.ENROLL)
            if template is None:
                self._galleries.remove_subject(gallery, who, version, caller)
            else:
                self._galleries.remove_template(gallery, who, template, version, caller)
        except OodFaceError as error:
            return replace(self._page(gallery, present, request), problem=error)
        done = "person_deleted" if template is None else "picture_deleted"
        page = self._page(gallery, present, request)
        return replace(page, opened=present.opened, done=done)

    def _end(
        self, name: str, people: People, shelf: Shelf, request: gr.Request, words: Texts
    ) -> list[Any]:
        gallery = shelf.chosen or ""
        try:
            caller = visitor(request, self._served.access, Role.ADMIN)
            _check_typed(name, gallery)
            self._galleries.delete_gallery(gallery, caller=caller)
        except OodFaceError as error:
            new = replace(people, problem=error, done="")
            kept = [gr.update() for _ in self._bar.outputs]
            return [new, *self.show(words, new, shelf), *kept]
        left = replace(self._bar.look(request, None), done="gallery_deleted", done_to=gallery)
        page = None if left.chosen is None else self._page(left.chosen, People(), request)
        return [page, *self.show(words, page, left), *self._bar.updates(left, words)]

    def _page(self, gallery: str, wanted: People, request: gr.Request) -> People:
        try:
            visitor(request, self._served.access, Role.READ)
            return find_people(self._galleries, gallery, wanted.query, wanted.before)
        except OodFaceError as error:
            return People(problem=error)


def _number(text: str | None) -> int | None:
    known = text is not None and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if text is not None and known else None


def _check_typed(name: str, gallery: str) -> None:
    if name.strip() != gallery:
        raise InputError(
            "gallery.name_typed",
            "to delete gallery {gallery}, type its name; {name} was typed",
            gallery=gallery,
            name=ascii(name[:64]),
        )
