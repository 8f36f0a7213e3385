"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ood_face.messages import Language

__all__ = [
    "Aligned",
    "AsJson",
    "Cache",
    "Data",
    "Folders",
    "Lang",
    "ModelName",
    "OwnAligned",
    "Pairs",
    "check_source",
    "refuse",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; errors are JSON as well.")]
Lang = Annotated[Language, typer.Option(help="Language of names, sentences and errors.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder with faces/ and ood/, see README: the full set.")
]
Folders = Annotated[
    Path | None, typer.Option(help="Own pictures: a folder with one folder per person.")
]
Pairs = Annotated[
    Path | None, typer.Option(help="Own pairs: CSV with image_a, image_b, same[, fold].")
]
OwnAligned = Annotated[
    bool, typer.Option("--aligned", help="Own pictures are aligned 112x112 faces already.")
]
Aligned = Annotated[
    bool, typer.Option("--aligned", help="The pictures are aligned 112x112 faces already.")
]
ModelName = Annotated[
    str | None, typer.Option(help="Model of the manifest; else OOD_FACE_MODEL or its default.")
]
Cache = Annotated[
    Path, typer.Option(help="Keeps pictures and measurements: an ended run goes on from there.")
]


def refuse(wrong: bool, what: str) -> None:
    """Say that the options do not go together, where they do not."""
    if wrong:
        raise typer.BadParameter(what)


def check_source(
    data: Path | None, folders: Path | None, pairs: Path | None, aligned: bool, out: Path | None
) -> None:
    """Say where the options that name pictures, and the place of the results, do not fit."""
    given = [source for source in (data, folders, pairs) if source is not None]
    refuse(len(given) != 1, "give exactly one of --data, --folders and --pairs")
    refuse(aligned and data is not None, "--aligned goes with --folders and --pairs")
    refuse(out is None and data is None, "--folders and --pairs need --out")
