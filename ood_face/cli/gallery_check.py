"""``ood-face gallery check``: whether what is enrolled is whole, and is found."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import ExitCode, errors_as_exits, printable
from ood_face.cli.gallery_opening import opened_records
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.progress import bar
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import say
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service import check_gallery

if TYPE_CHECKING:
    from ood_face.messages import Language
    from ood_face.service import GalleryCheck

__all__ = ["check"]


def check(
    name: Annotated[
        str | None, typer.Argument(metavar="[GALLERY]", help="One gallery; unset: all.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Read everything that is enrolled and seek it; code 9: something is wrong.

    Of a gallery of more than 1000 subjects, about 1000 are sought.
    """
    checks: dict[str, GalleryCheck] = {}
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        names = [name] if name is not None else [info.name for info, _ in records.galleries()]
        galleries = [records.open(one) for one in names]
        records.check()
        for gallery in galleries:
            with bar(gallery.counts().subjects) as done:
                checks[gallery.info.name] = check_gallery(gallery, done)
        if as_json:
            print_json(
                [{"gallery": one, "sound": c.sound} | asdict(c) for one, c in checks.items()]
            )
        else:
            for one, found in checks.items():
                _print_check(one, found, lang)
            if not checks:
                say("galleries_none", lang)
    sound = all(found.sound for found in checks.values())
    raise typer.Exit(ExitCode.OK if sound else ExitCode.FAILED)


def _print_check(gallery: str, found: GalleryCheck, language: Language) -> None:
    numbers = {
        "subjects": found.subjects,
        "templates": found.templates,
        "sought": found.sought,
    }
    if found.sound:
        say("check_sound", language, gallery=gallery, **numbers)
        return
    if found.miscounted:
        say("check_miscounted", language, gallery=gallery, **numbers)
    for key, ids in (("check_broken", found.broken), ("check_not_found", found.not_found)):
        if ids:
            say(key, language, gallery=gallery, count=len(ids))
            for subject_id in ids:
                typer.echo(printable(f"  {subject_id}"))
