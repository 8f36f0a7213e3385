"""``ood-face drift``: whether the service still sees what it was set up on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ood_face.bootstrap import read_drift, read_settings
from ood_face.cli.exits import HELP_EPILOG, errors_as_exits
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, translate, verdict_name

if TYPE_CHECKING:
    from ood_face.messages import Language
    from ood_face.monitoring.drift import DriftStatus

__all__ = ["app"]

app = typer.Typer(help="Whether the service still sees what it was set up on.")


@app.callback()
def group() -> None:
    """Whether the service still sees what it was set up on."""


@app.command(epilog=HELP_EPILOG)
def status(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """Show how the server's drift watch stood when it was last saved, a minute ago at most."""
    with errors_as_exits(lang, as_json=as_json):
        found = read_drift(read_settings())
    if as_json:
        print_json(None if found is None else asdict(found) | {"drifted": found.drifted})
    elif found is None:
        typer.echo(translate("drift.nothing", {}, lang))
    else:
        _print(found, lang)


def _print(found: DriftStatus, language: Language) -> None:
    def say(key: str, **values: object) -> str:
        return translate(f"drift.{key}", values, language)

    typer.echo(say("saved", model=found.model_id, at=found.at))
    rows = [
        (
            say(f"signal_{signal.name}"),
            say(f"state_{signal.state.value}"),
            _of(signal.psi, signal.psi_threshold),
            _of(signal.ks, signal.ks_threshold),
            _of(signal.long_psi, signal.long_psi_threshold),
            _of(signal.long_ks, signal.long_ks_threshold),
            str(signal.long_window_count),
            f"{signal.reference_count} / {signal.reference_needed}",
        )
        for signal in found.signals
    ]
    verdicts = found.verdict_drift
    rows.append(
        (
            say("signal_verdicts"),
            say(f"state_{verdicts.state.value}"),
            _of(verdicts.psi, verdicts.psi_threshold),
            "-",
            _of(verdicts.long_psi, verdicts.long_psi_threshold),
            "-",
            str(verdicts.count),
            f"{verdicts.reference_count} / {verdicts.reference_needed}",
        )
    )
    titles = ("signal", "state", "psi", "ks", "long_psi", "long_ks", "window", "reference")
    print_table([say(f"title_{title}") for title in titles], rows)
    labels = found.calibration
    if labels.expected_calibration_error is None:
        typer.echo(say("few_labels", items=labels.items, needed=labels.needed))
    else:
        typer.echo(
            say(
                "labelled",
                state=say(f"state_{labels.state.value}"),
                error=labels.expected_calibration_error,
                alert=labels.alert_above,
                items=labels.items,
            )
        )
    if found.verdicts:
        print_table(
            [say(f"title_{title}") for title in ("verdict", "share", "reference")],
            (
                (
                    verdict_name(verdict, language),
                    f"{share:.1%}",
                    f"{found.reference_verdicts[verdict]:.1%}",
                )
                for verdict, share in found.verdicts.items()
            ),
        )


def _of(value: float | None, threshold: float | None) -> str:
    if threshold is None:
        return "-"
    return f"{'-' if value is None else format(value, '.3f')} / {threshold:.3f}"
