"""The part of the tab Search that adds one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from ood_face.errors import InputError, OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.types import Profile
from webui.bundle import BundledFile
from webui.bundle_people import PersonPicture, id_of
from webui.catalogue import texts
from webui.controls import QUIET, picker, picker_strings, take_pictures
from webui.search_enrol import EnrolRun
from webui.search_outcomes import Shelf
from webui.uploads import MAX_EXTRACT_FILES, Limits, read_uploads

if TYPE_CHECKING:
    from ood_face.service import GalleryService
    from webui.catalogue import Texts
    from webui.controls import Localized
    from webui.search_galleries import GalleryBar
    from webui.served import PageServed
    from webui.uploads import Upload

__all__ = ["OnePart"]

_SLOT = "person"
# of a picker for several pictures, whose sentences say so
_PLURAL = ("drop", "formats", "choose", "replace", "remove")


class OnePart:
    """Who it is, one or several pictures, and what became of each.

    Parameters
    ----------
    served : what the page serves
    galleries : those of it
    localized : where the controls register their texts
    bar : holds the chosen gallery
    """

    def __init__(
        self,
        served: PageServed,
        galleries: GalleryService,
        localized: Localized,
        bar: GalleryBar,
    ) -> None:
        self._bar = bar
        self._limits = Limits.of(served.settings, max_files=MAX_EXTRACT_FILES)
        first = texts(DEFAULT_LANGUAGE)
        with gr.Row(elem_classes="compare-row"):
            with gr.Column(scale=5, min_width=280):
                self._who = _textbox("who", "who_note", first, localized)
                self._name = _textbox("name", "name_note", first, localized)
                self._force = force_box("force-one", first, localized)
            with gr.Column(scale=6, min_width=300):
                self._picker = localized.add(
                    picker(_SLOT, "person", self._limits, first),
                    lambda words: {"strings": _strings(words)},
                )
                self._button = localized.add(
                    gr.Button(first("enrol.button"), variant="primary", elem_id="enrol-one"),
                    lambda words: {"value": words("enrol.button")},
                )
        self.run = EnrolRun(served, galleries, bar, "one")

    def connect(self, language: gr.Radio) -> None:
        """Bind the events."""
        self.run.connect(language)
        done = self._button.click(
            self._enrol,
            [self._picker, self._who, self._name, self._force, self._bar.shelf, language],
            [self._who, self._name, *self.run.outputs],
            js=take_pictures([_SLOT], others=5),
            **QUIET,
        )
        # once the work has begun, the next person starts with nothing of this one
        done.then(
            None,
            [self.run.results[0]],
            js="(progress) => { window.oodFace.busy(false);"
            f' if (progress) window.oodFace.emptyPicker("{_SLOT}"); }}',
            **QUIET,
        )

    def _enrol(  # noqa: PLR0913, PLR0917 - Gradio hands over one value for each control
        self,
        pictures: object,
        who: str | None,
        name: str | None,
        force: object,
        shelf: object,
        language: str,
        request: gr.Request,
    ) -> list[Any]:
        words = texts(language)
        gallery = shelf.chosen if isinstance(shelf, Shelf) else None
        kept = [gr.update(), gr.update()]
        if gallery is None:
            return [*kept, *self.run.refused(None, words)]
        person, called = (who or "").strip(), (name or "").strip() or None
        try:
            uploads = read_uploads(pictures, self._limits)
            _check(person, called, uploads)
        except OodFaceError as error:
            return [*kept, *self.run.refused(error, words)]
        shown = [
            PersonPicture(person, id_of(person), BundledFile(upload.name, _bytes_of(upload)))
            for upload in uploads
        ]
        begun = self.run.begin(shown, gallery, (force is True, called), request, words)
        return [*(["", ""] if self.run.has_begun(begun) else kept), *begun]


def force_box(elem_id: str, words: Texts, localized: Localized) -> gr.Checkbox:
    """Return the choice to add faces that another person has; only administrators see it."""
    box = gr.Checkbox(
        value=False,
        label=words("enrol.force"),
        info=words("enrol.force_note"),
        elem_id=elem_id,
        elem_classes="force",
    )
    localized.add(
        box, lambda words: {"label": words("enrol.force"), "info": words("enrol.force_note")}
    )
    return box


def _bytes_of(upload: Upload) -> Any:  # noqa: ANN401
    return lambda: upload.data


def _check(person: str, called: str | None, uploads: list[Upload]) -> None:
    if not person:
        raise InputError("enroll.who", "say who it is: a name or a number")
    if not uploads:
        raise InputError("enroll.no_picture", "choose a picture of this person first")
    Profile(called)


def _strings(words: Texts) -> dict[str, str]:
    templates = words.templates()
    plural = {name: templates[f"picker.{name}_many"] for name in _PLURAL}
    return picker_strings(_SLOT, words) | plural


def _textbox(name: str, note: str, words: Texts, localized: Localized) -> gr.Textbox:
    def properties(words: Texts) -> dict[str, Any]:
        return {"label": words(f"enrol.{name}"), "info": words(f"enrol.{note}")}

    box = gr.Textbox(max_length=200, elem_id=f"enrol-{name}", **properties(words))
    localized.add(box, properties)
    return box
