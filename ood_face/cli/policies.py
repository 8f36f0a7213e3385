"""``ood-face policies``: whether a running server could read its policies again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ood_face.bootstrap import check_policies, read_settings
from ood_face.cli.exits import HELP_EPILOG, errors_as_exits, printable
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, translate

if TYPE_CHECKING:
    from ood_face.bootstrap import PolicyCheck
    from ood_face.messages import Language

__all__ = ["app"]

app = typer.Typer(help="Scenarios and calibrations of a running server.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Scenarios and calibrations of a running server."""


@app.command(epilog=HELP_EPILOG)
def check(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """Say whether a reload would succeed, and what it would change; nothing is reloaded."""
    with errors_as_exits(lang, as_json=as_json):
        found = check_policies(read_settings())
    if as_json:
        print_json(asdict(found))
    else:
        _print(found, lang)


def _print(found: PolicyCheck, language: Language) -> None:
    def say(key: str, **values: object) -> str:
        return printable(translate(f"policies.{key}", values, language))

    typer.echo(say("sound", scenarios=found.scenarios, calibrations=found.calibrations))
    if found.loaded_at is None:
        typer.echo(say("not_noted"))
    elif not found.changes:
        typer.echo(say("unchanged", at=found.loaded_at))
    else:
        typer.echo(say("changed", at=found.loaded_at))
        rows = [(one.what, _cell(one.before), _cell(one.after)) for one in found.changes]
        print_table([say(f"title_{title}") for title in ("what", "before", "after")], rows)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value)
