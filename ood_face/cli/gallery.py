"""``ood-face gallery``: galleries, and the commands on what is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import HELP_EPILOG, errors_as_exits
from ood_face.cli.gallery_check import check
from ood_face.cli.gallery_copy import copy
from ood_face.cli.gallery_enroll import enroll
from ood_face.cli.gallery_json import gallery_json
from ood_face.cli.gallery_migrate import migrate
from ood_face.cli.gallery_opening import GalleryName, opened_galleries, opened_records
from ood_face.cli.gallery_search import identify, verify
from ood_face.cli.gallery_subjects import remove, subject, subjects
from ood_face.cli.options import AsJson, Lang, refuse
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import print_galleries, print_gallery, say
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service.galleries import DEFAULT_MAX_TEMPLATES
from ood_face.types.galleries import MAX_TEMPLATES

__all__ = ["app"]

app = typer.Typer(help="Galleries: who is enrolled, and searches.", no_args_is_help=True)
for command in (enroll, identify, verify, subjects, subject, remove, migrate, copy, check):
    app.command(epilog=HELP_EPILOG)(command)

Kept = typer.Option(
    min=1, max=MAX_TEMPLATES, help="The best so many templates of a subject are kept."
)


@app.command(epilog=HELP_EPILOG)
def create(  # noqa: PLR0913 - each option of a command is an argument
    name: GalleryName,
    *,
    scenario: Annotated[
        str, typer.Option(help="Thresholds where a command names none.")
    ] = "default",
    calibration: Annotated[
        str | None,
        typer.Option(
            help="One that the scenario offers, or none, where a command names none; unset: the "
            "scenario's own choice."
        ),
    ] = None,
    max_templates: Annotated[int, Kept] = DEFAULT_MAX_TEMPLATES,
    keep_crops: Annotated[
        bool,
        typer.Option(
            "--keep-crops", help="Keep aligned faces, so that another model can embed them again."
        ),
    ] = False,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Make a gallery for templates of the model in use."""
    with (
        errors_as_exits(lang, as_json=as_json),
        opened_galleries(read_settings()) as (_, galleries),
    ):
        info = galleries.create_gallery(
            name,
            scenario=scenario,
            calibration=calibration,
            max_templates=max_templates,
            keep_crops=keep_crops,
        )
        if as_json:
            print_json(gallery_json(info, galleries.open(name).counts()))
        else:
            say("gallery_created", lang, gallery=info.name, model=info.model_id)


@app.command("list", epilog=HELP_EPILOG)
def list_(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """List the galleries."""
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        found = records.galleries()
        if as_json:
            print_json([gallery_json(info, counts) for info, counts in found])
        elif found:
            print_galleries(found, lang)
        else:
            say("galleries_none", lang)


@app.command(epilog=HELP_EPILOG)
def show(name: GalleryName, as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """Show one gallery: settings, model, how much is in it."""
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        gallery = records.open(name)
        info, counts = gallery.info, gallery.counts()
        index = gallery.index_kind()
        if as_json:
            print_json(gallery_json(info, counts) | {"index": index})
        else:
            print_gallery(info, counts, index, lang)


@app.command(epilog=HELP_EPILOG)
def update(  # noqa: PLR0913 - each option of a command is an argument
    name: GalleryName,
    *,
    scenario: Annotated[
        str | None, typer.Option(help="Thresholds where a command names none.")
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            help="One that the scenario offers, or none; '': back to the scenario's own choice."
        ),
    ] = None,
    max_templates: Annotated[int | None, Kept] = None,
    keep_crops: Annotated[
        bool | None,
        typer.Option(help="Keep aligned faces; --no-keep-crops erases those that were kept."),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Change a gallery's settings; what is not named stays."""
    changes = {
        "scenario": scenario,
        "max_templates": max_templates,
        "keep_crops": keep_crops,
    }
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    if calibration is not None:
        given["calibration"] = calibration or None
    refuse(not given, "give --scenario, --calibration, --max-templates or --[no-]keep-crops")
    with (
        errors_as_exits(lang, as_json=as_json),
        opened_galleries(read_settings()) as (_, galleries),
    ):
        present = galleries.open(name).info
        info = galleries.update_gallery(replace(present, **given), present.version)
        if as_json:
            print_json(gallery_json(info, galleries.open(name).counts()))
        else:
            say("gallery_updated", lang, gallery=name)


@app.command(epilog=HELP_EPILOG)
def delete(
    name: GalleryName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, erase it.")] = False,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Erase a gallery with all its subjects, for good."""
    refuse(not yes, "this erases all subjects of the gallery: say --yes")
    with errors_as_exits(lang, as_json=as_json), opened_records(read_settings()) as records:
        records.delete_gallery(name)
        if as_json:
            print_json({"deleted": name})
        else:
            say("gallery_deleted", lang, gallery=name)
