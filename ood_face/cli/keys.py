"""``ood-face keys``: who may call the API."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.access import KeyStore
from ood_face.bootstrap import open_audit, read_settings
from ood_face.cli.exits import HELP_EPILOG, errors_as_exits, printable
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, translate
from ood_face.types import LOCAL, AuditAction, AuditEvent, Role

if TYPE_CHECKING:
    from ood_face.access import ApiKey
    from ood_face.messages import Language

__all__ = ["app"]

app = typer.Typer(help="Who may call the API.", no_args_is_help=True)


@app.command(epilog=HELP_EPILOG)
def create(
    name: Annotated[str, typer.Argument(help="Who gets it; stands in the audit log.")],
    role: Annotated[
        list[Role],
        typer.Option(
            help="What it may do; give it several times for several. read: look at galleries; "
            "identify: search and verify; enroll: enrol, change, delete subjects; admin: all."
        ),
    ],
    expires_days: Annotated[int | None, typer.Option(help="Days it counts; else forever.")] = None,
    rate: Annotated[
        int | None, typer.Option(help="Requests a minute; else OOD_FACE_RATE_LIMIT_PER_MINUTE.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Make a key and print it, this once."""
    with errors_as_exits(lang, as_json=as_json), closing(_open()) as store:
        made = store.create(name, role, expires_days=expires_days, rate_per_minute=rate)
        _note(AuditAction.CREATE_KEY, made.key)
    if as_json:
        print_json(_json(made.key) | {"key": made.presented})
    else:
        typer.echo(made.presented)
        typer.echo(translate("keys.created", {"name": name}, lang), err=True)


@app.command(name="list")
def list_keys(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """List all keys, also those that expired or were revoked; never their secrets."""
    with errors_as_exits(lang, as_json=as_json), closing(_open()) as store:
        found = store.all()
    if as_json:
        print_json([_json(key) for key in found])
        return
    titles = ("id", "name", "roles", "state", "created", "last_used", "expires", "rate")
    print_table(
        [translate(f"keys.title_{title}", {}, lang) for title in titles],
        (_row(key, lang) for key in found),
    )


@app.command(epilog=HELP_EPILOG)
def revoke(
    key: Annotated[str, typer.Argument(metavar="NAME|ID", help="Name or id of the key.")],
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Make a key count no more; a running server refuses its next request."""
    with errors_as_exits(lang, as_json=as_json), closing(_open()) as store:
        gone = store.revoke(key)
        _note(AuditAction.REVOKE_KEY, gone)
    if as_json:
        print_json(_json(gone))
    else:
        values = {"name": gone.name, "id": gone.id}
        typer.echo(printable(translate("keys.revoked", values, lang)))


def _open() -> KeyStore:
    return KeyStore(read_settings().data_dir)


def _note(action: AuditAction, key: ApiKey) -> None:
    with closing(open_audit(read_settings())) as audit:
        audit.record(LOCAL, AuditEvent(action, "", None, "ok", {"key": key.name}))


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        return "expired"
    return "active"


def _json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "roles": sorted(key.roles),
        "state": _state(key),
        "created_at": _time(key.created_at),
        "last_used_at": _time(key.last_used_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "rate_per_minute": key.rate_per_minute,
    }


def _row(key: ApiKey, language: Language) -> list[str]:
    return [
        key.id,
        key.name,
        " ".join(sorted(key.roles)),
        translate(f"keys.state_{_state(key)}", {}, language),
        _time(key.created_at) or "-",
        _time(key.last_used_at) or "-",
        _time(key.expires_at) or "-",
        "-" if key.rate_per_minute is None else str(key.rate_per_minute),
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
