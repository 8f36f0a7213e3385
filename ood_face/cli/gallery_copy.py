"""``ood-face gallery copy``: a gallery of one store made again in another, and compared."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import copy_gallery, open_audit, open_gallery_store, read_settings
from ood_face.cli.exits import errors_as_exits
from ood_face.cli.gallery_opening import GalleryName
from ood_face.cli.options import AsJson, Lang, refuse
from ood_face.cli.progress import bar
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import say
from ood_face.errors import InputError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service.auditing import noted
from ood_face.types import LOCAL, AuditAction

if TYPE_CHECKING:
    from ood_face.config import Settings

__all__ = ["copy"]


def copy(
    name: GalleryName,
    *,
    to: Annotated[str, typer.Option(help="A data folder, or a Milvus: http://HOST:PORT, FILE.db.")],
    new_name: Annotated[
        str | None, typer.Option("--as", help="Name of the copy; unset: the same.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="As --to; unset: the one of the settings.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Copy a gallery into another store, and compare numbers and searches.

    Run again after an interruption, it goes on where it ended.
    """
    target_name = name if new_name is None else new_name
    with errors_as_exits(lang, as_json=as_json), ExitStack() as stack:
        settings = read_settings()
        theirs = settings if source is None else _settings_at(settings, source, there=True)
        ours = _settings_at(settings, to, there=False)
        same = _place(theirs) == _place(ours)
        refuse(same and target_name == name, "the copy needs another place or, with --as, a name")
        store = stack.enter_context(closing(open_gallery_store(theirs)))
        gallery = store.open(name)
        target = store if same else stack.enter_context(closing(open_gallery_store(ours)))
        audit = stack.enter_context(closing(open_audit(ours)))
        done = stack.enter_context(bar(gallery.counts().subjects))
        with noted(audit, LOCAL, AuditAction.CREATE_GALLERY, target_name) as note:
            copied = copy_gallery(gallery, target, target_name, done)
            note.outcome = "copied"
            note.values |= {"subjects": copied.subjects, "templates": copied.templates}
    if as_json:
        print_json({"gallery": target_name, "to": to} | asdict(copied))
    else:
        say("copied", lang, gallery=name, name=target_name, to=to, **asdict(copied))


def _settings_at(settings: Settings, place: str, *, there: bool) -> Settings:
    """Return settings whose galleries are at a place; ``there``: it must exist."""
    remote = "://" in place
    if there and not remote and not Path(place).exists():
        raise InputError("copy.no_source", "{place} is not there", place=place)
    if remote or place.endswith(".db"):
        return settings.model_copy(update={"milvus_uri": place})
    return settings.model_copy(update={"milvus_uri": None, "data_dir": Path(place)})


def _place(settings: Settings) -> str | Path:
    uri = settings.milvus_uri
    if uri is None:
        return settings.data_dir.resolve()
    return uri if "://" in uri else Path(uri).resolve()
