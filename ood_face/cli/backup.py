"""``ood-face backup`` and ``ood-face restore``: the data folder in one file, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ood_face.bootstrap import create_backup, read_settings, restore_backup
from ood_face.cli.exits import errors_as_exits
from ood_face.cli.gallery_json import iso_time
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import say
from ood_face.messages import DEFAULT_LANGUAGE, translate

__all__ = ["backup", "restore"]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Write galleries, keys and audit log into one file; the server may be running."""
    with errors_as_exits(lang, as_json=as_json):
        settings = read_settings()
        made = create_backup(settings, file)
    if as_json:
        print_json(_json(asdict(made)))
    else:
        told = asdict(made) | {"databases": ", ".join(made.databases)}
        say("backup_done", lang, **told)
    if settings.milvus_uri is not None:
        # beside the JSON, too: nobody should learn it from a restore
        typer.echo(translate("command.backup_milvus", {}, lang), err=True)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that backup wrote.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is in the data folder.")
    ] = False,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Put a backup back into the data folder; the server must be stopped."""
    with errors_as_exits(lang, as_json=as_json):
        settings = read_settings()
        restored = restore_backup(settings, file, replace=replace)
    if as_json:
        print_json(_json(asdict(restored)))
        return
    when = iso_time(restored.created_at)
    say("restored", lang, folder=settings.data_dir, when=when, **asdict(restored))
    if restored.kept:
        say("restore_kept", lang, databases=", ".join(restored.kept))
    if restored.moved_aside is not None:
        say("moved_aside", lang, folder=restored.moved_aside)


def _json(told: dict[str, Any]) -> dict[str, Any]:
    aside = told["moved_aside"]
    return told | {
        "file": str(told["file"]),
        "created_at": iso_time(told["created_at"]),
        "moved_aside": None if aside is None else str(aside),
    }
