"""``ood-face calibrate``: turn a model's similarities into probabilities on one's own data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.bootstrap import open_scenario, read_settings
from ood_face.cli.exits import errors_as_exits, printable
from ood_face.cli.options import Aligned, AsJson, Cache, Lang
from ood_face.cli.progress import ConsoleProgress
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, translate

if TYPE_CHECKING:
    from ood_face.calibration.files import Calibration
    from ood_face.messages import Language

__all__ = ["Method", "calibrate"]

# as in ood_face.evaluation.predictions, which takes a while to import
_FIGURES = ("ece", "ece_equal_mass", "mce", "brier", "nll", "accuracy")


class Method(StrEnum):
    """How logits are scaled."""

    TEMPERATURE = "temperature"
    VECTOR = "vector"
    ISOTONIC = "isotonic"


def calibrate(  # noqa: PLR0913 - each option of a command is an argument
    *,
    model_dir: Annotated[Path, typer.Option(help="The model's folder, as weights/rts-r18.")],
    calib_data: Annotated[
        Path,
        typer.Option(
            help="A folder with one folder of pictures per person; or a .csv with image_a, "
            "image_b, same; or an .npz with labels, and scores or logits, and groups."
        ),
    ],
    output_config: Annotated[
        Path | None,
        typer.Option(help="File to write; default: calibration/NAME.toml beside the model."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name for scenarios; default: after the file.")
    ] = None,
    method: Annotated[
        Method | None,
        typer.Option(help="Default: vector for two classes, else temperature."),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(
            help="Share of pairs of one person that probabilities assume; default: 0.5, of "
            "logits: that of the data."
        ),
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(help="Uncalibrated, the middle of its two thresholds counts as 1/2."),
    ] = "default",
    aligned: Aligned = False,
    cache: Cache = Path("runs/cache"),
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Fit a calibration to labelled data, test it on other people, and write it to a file."""
    if name is None:
        if output_config is None:
            problem = "give --name or --output-config, or both"
            raise typer.BadParameter(problem)
        name = output_config.stem
    # only this command needs the figures and the fit
    from ood_face.cli.calibration_run import (  # noqa: PLC0415
        CalibrationJob,
        run_calibration,
    )

    with errors_as_exits(lang, as_json=as_json):
        settings = read_settings(
            weights_dir=model_dir.absolute().parent, model=model_dir.absolute().name
        )
        applied = open_scenario(settings, scenario)
        job = CalibrationJob(
            model_dir=model_dir,
            data=calib_data,
            name=name,
            output=output_config,
            method=None if method is None else method.value,
            prior=prior,
            zero_at=(applied.same_above + applied.different_below) / 2,
            aligned=aligned,
            cache=cache,
        )
        with ConsoleProgress() as progress:
            calibration, files = run_calibration(settings, job, progress)
    if as_json:
        print_json(_json(calibration, files))
    else:
        _print(calibration, files, lang)


def _json(calibration: Calibration, files: list[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "name": calibration.name,
        "model_id": calibration.model_id,
        "made": calibration.made,
        "method": calibration.scaling.method,
        "parameters": calibration.scaling.parameters(),
        "input": calibration.input.table(),
        "claims": calibration.claims.table(),
        "prior": calibration.prior,
        **calibration.report,
    }


def _print(calibration: Calibration, files: list[Path], language: Language) -> None:
    report = calibration.report

    def say(key: str, **values: object) -> None:
        typer.echo(printable(translate(f"calibrated.{key}", values, language)))

    for half in ("fit", "test"):
        counts = report[half]
        say(half, people=counts["people"], rows=counts["rows"])
    titles = [translate(f"calibrated.{key}", {}, language) for key in ("before", "after")]
    rows = [
        [translate(f"calibrated.{figure}", {}, language)]
        + [_cell(report[key], figure) for key in ("before", "after")]
        for figure in _FIGURES
    ]
    print_table(["", *titles], rows)
    say("better" if report["change"]["log_loss_is_lower"] else "unclear")
    claims = calibration.claims
    if calibration.input.classes == 2:
        say("claims", lowest=claims.lowest, highest=claims.highest)
    else:
        say("claim", highest=claims.highest)
    if calibration.prior is not None:
        say("prior", prior=calibration.prior)
    for path in files:
        typer.echo(path)
    say("select", name=calibration.name)


def _cell(figures: dict[str, Any], figure: str) -> str:
    low, high = figures[f"{figure}_interval"]
    return f"{figures[figure]:.4f} ({low:.4f}-{high:.4f})"
