"""``ood-face gallery migrate``: a gallery of one model made again for the model in use."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import ExitCode, errors_as_exits, printable
from ood_face.cli.gallery_opening import GalleryName, opened_galleries
from ood_face.cli.options import AsJson, Lang, refuse
from ood_face.cli.progress import bar
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import say
from ood_face.errors import GalleryNotFoundError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service import migrate_gallery
from ood_face.service.enrolling import check_model

if TYPE_CHECKING:
    from ood_face.ports import Gallery
    from ood_face.service import GalleryService

__all__ = ["migrate"]


def migrate(
    name: GalleryName,
    new_name: Annotated[
        str, typer.Argument(metavar="NEW_NAME", help="The gallery to fill; made if need be.")
    ],
    *,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Embed the kept faces of a gallery with the model in use, into another gallery.

    The gallery itself stays as it is. Run again after an interruption, it goes on where it ended.
    """
    refuse(name == new_name, "the new gallery needs another name")
    with (
        errors_as_exits(lang, as_json=as_json),
        opened_galleries(read_settings()) as (faces, galleries),
    ):
        source = galleries.open(name)
        target = _target(galleries, source, new_name)
        check_model(target, faces.model_id)
        with bar(source.counts().subjects) as done:
            moved = migrate_gallery(source, target, faces, done)
    incomplete = ExitCode.REFUSED if moved.to_enroll_again else ExitCode.OK
    if as_json:
        print_json({"gallery": new_name} | asdict(moved))
        raise typer.Exit(incomplete)
    numbers = {"subjects": moved.subjects, "templates": moved.templates, "skipped": moved.skipped}
    say("migrated", lang, gallery=new_name, **numbers)
    if moved.to_enroll_again:
        say("enroll_again", lang, count=len(moved.to_enroll_again))
        for subject_id in moved.to_enroll_again:
            typer.echo(printable(f"  {subject_id}"))
    raise typer.Exit(incomplete)


def _target(galleries: GalleryService, source: Gallery, new_name: str) -> Gallery:
    try:
        return galleries.open(new_name)
    except GalleryNotFoundError:
        # the calibration was of the old model's numbers: the scenario's own choice applies
        like = source.info
        galleries.create_gallery(
            new_name,
            scenario=like.scenario,
            max_templates=like.max_templates,
            keep_crops=like.keep_crops,
        )
        return galleries.open(new_name)
