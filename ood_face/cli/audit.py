"""``ood-face audit``: what was done to whom, by whom and when."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.access import AuditQuery
from ood_face.bootstrap import open_audit, read_settings
from ood_face.cli.exits import errors_as_exits
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, translate
from ood_face.types import AuditAction, check_gallery_name, check_subject_id

if TYPE_CHECKING:
    from ood_face.access import AuditRecord

__all__ = ["audit"]

_MAX_EVENTS = 1_000_000
# of a hash's 64 digits, in the table: enough to see who is the same
_HASH_DIGITS = 12


def audit(  # noqa: PLR0913 - each option of a command is an argument
    *,
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what was done to this subject.")
    ] = None,
    gallery: Annotated[str | None, typer.Option(help="Only in this gallery.")] = None,
    action: Annotated[AuditAction | None, typer.Option(help="Only this action.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="ISO", help="Not before this time, as 2026-01-31 or 2026-01-31T12:00+08:00."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MAX_EVENTS, help="At most so many.")] = 100,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Show the audit log, newest first; subjects stand in it as keyed hashes of their ids."""
    begin = None if since is None else _moment(since)
    with errors_as_exits(lang, as_json=as_json):
        if subject is not None:
            check_subject_id(subject)
        if gallery is not None:
            check_gallery_name(gallery)
        with closing(open_audit(read_settings())) as log:
            found = log.find(AuditQuery(subject, gallery, action, begin), limit)
    if as_json:
        print_json([_json(record) for record in found])
        return
    titles = ("at", "caller", "action", "gallery", "subject", "outcome", "values", "request")
    print_table(
        [translate(f"audit.title_{title}", {}, lang) for title in titles],
        (_row(record) for record in found),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        # without a zone: as the log itself
        zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        problem = f"{text!r} is no time in ISO 8601"
        raise typer.BadParameter(problem, param_hint="--since") from exc


def _json(record: AuditRecord) -> dict[str, Any]:
    return {
        "at": record.at.isoformat(timespec="microseconds"),
        "request_id": record.request_id,
        "caller": record.caller,
        "action": record.action,
        "gallery": record.gallery,
        "subject_hash": record.subject_hash,
        "outcome": record.outcome,
        "values": dict(record.values),
    }


def _row(record: AuditRecord) -> list[str]:
    return [
        record.at.isoformat(timespec="seconds"),
        record.caller,
        record.action,
        record.gallery,
        "-" if record.subject_hash is None else record.subject_hash[:_HASH_DIGITS],
        record.outcome,
        ", ".join(f"{name}={_short(value)}" for name, value in record.values.items()) or "-",
        record.request_id or "-",
    ]


def _short(value: float | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
