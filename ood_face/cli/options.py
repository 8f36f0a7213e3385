"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from ood_face.messages import Language

__all__ = ["AsJson", "Lang", "refuse"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; errors are JSON as well.")]
Lang = Annotated[Language, typer.Option(help="Language of names, sentences and errors.")]


def refuse(wrong: bool, what: str) -> None:
    """Say that the options do not go together, where they do not."""
    if wrong:
        raise typer.BadParameter(what)
