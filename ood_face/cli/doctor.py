"""``ood-face doctor``: whether all is there that the server needs, and what to do if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ood_face.bootstrap.doctor import State, examine
from ood_face.cli.exits import errors_as_exits, printable
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, stdout_console
from ood_face.messages import DEFAULT_LANGUAGE, error_sentence, translate

if TYPE_CHECKING:
    from ood_face.bootstrap.doctor import Diagnosis, Finding
    from ood_face.messages import Language

__all__ = ["EPILOG", "doctor"]

EPILOG = (
    "Exit codes: 0 nothing keeps the server from its work, there may be warnings; 1 something "
    "does; 2 wrong usage."
)
_STYLES = {State.OK: "green", State.WARNING: "bold yellow", State.PROBLEM: "bold red"}


def doctor(
    *,
    models: Annotated[
        bool, typer.Option("--models", help="Also load the networks and run them once.")
    ] = False,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Look at everything the server needs, and say what to do; nothing is changed."""
    with errors_as_exits(lang, as_json=as_json):
        found = examine(models=models)
    if as_json:
        print_json(_json(found, lang))
    else:
        _print(found, lang)
    raise typer.Exit(int(found.state is State.PROBLEM))


def _json(found: Diagnosis, language: Language) -> dict[str, Any]:
    return {
        "state": found.state,
        "seconds": round(found.seconds, 3),
        "checks": [
            {
                "check": one.check,
                "state": one.state,
                "code": f"doctor.{one.key}" if one.error is None else one.error.key,
                "found": _found(one, language),
                "todo": _todo(one, language),
                "values": dict(one.values),
            }
            for one in found.findings
        ],
    }


def _print(found: Diagnosis, language: Language) -> None:
    console = stdout_console()
    names = {state: translate(f"doctor.state_{state}", {}, language) for state in State}
    for one in found.findings:
        line = Text(f"{names[one.state]:<8}", _STYLES[one.state])
        line.append(f" {one.check:<12} {printable(_found(one, language))}", "default")
        console.print(line)
        todo = _todo(one, language)
        if todo is not None:
            console.print(Text(f"{'':<21} -> {printable(todo)}"))
    counts = {state: sum(one.state is state for one in found.findings) for state in State}
    console.print(
        translate(
            "doctor.summary",
            {
                "checks": len(found.findings),
                "warnings": counts[State.WARNING],
                "problems": counts[State.PROBLEM],
                "seconds": found.seconds,
            },
            language,
        )
    )


def _found(one: Finding, language: Language) -> str:
    if one.error is not None:
        return error_sentence(one.error, language)
    return translate(f"doctor.{one.key}", one.values, language)


def _todo(one: Finding, language: Language) -> str | None:
    return None if one.todo is None else translate(f"doctor.{one.todo}", one.values, language)
