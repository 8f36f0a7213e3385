"""``ood-face trust``: how far the model can be trusted on one's own pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.bootstrap import check_new_scenario, open_scenario, read_settings, save_scenario
from ood_face.cli.exits import errors_as_exits, printable
from ood_face.cli.options import Aligned, AsJson, Cache, Lang, ModelName, refuse
from ood_face.cli.progress import ConsoleProgress
from ood_face.cli.render import print_json, print_table
from ood_face.errors import InputError
from ood_face.messages import DEFAULT_LANGUAGE, error_sentence, translate

if TYPE_CHECKING:
    from ood_face.calibration.own_report import OwnFaces
    from ood_face.calibration.own_report_values import Judged, OwnReport
    from ood_face.config import Settings
    from ood_face.evaluation.instruments import Progress
    from ood_face.messages import Language
    from ood_face.types import SameModel

__all__ = ["trust"]

_COLUMNS = ("fmr", "gate", "threshold", "fnmr", "mated_pairs", "impostor_pairs")
_FIGURES = ("ece", "mce", "brier", "nll")


def trust(  # noqa: PLR0913 - each option of a command is an argument
    source: Annotated[
        Path,
        typer.Argument(
            help="Own pictures: a folder with one folder per person, or a .csv with image_a, "
            "image_b, same."
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the report; may be new.")],
    scenario: Annotated[str, typer.Option(help="Whose quality gate is applied.")] = "default",
    fmr: Annotated[
        list[float] | None,
        typer.Option(help="False match rate to find a threshold for; may be given 8 times."),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(help="Also keep the fitted calibration beside the model, under this name."),
    ] = None,
    save_as: Annotated[
        str | None,
        typer.Option(help="Add a scenario of this name: threshold of the last --fmr, calibration."),
    ] = None,
    scenarios_file: Annotated[
        Path | None, typer.Option(help="Where to; default: OOD_FACE_SCENARIOS_FILE.")
    ] = None,
    aligned: Aligned = False,
    model: ModelName = None,
    cache: Cache = Path("runs/cache"),
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Measure scores, errors, calibration and operating points; write report, plots and numbers."""
    refuse(save_as is not None and not fmr, "--save-as needs --fmr")
    # only this command needs the figures
    from ood_face.calibration.files import check_name  # noqa: PLC0415
    from ood_face.calibration.own_report import (  # noqa: PLC0415
        DEFAULT_FMRS,
        checked_rates,
        make_report,
    )
    from ood_face.calibration.own_report_files import (  # noqa: PLC0415
        check_target,
        report_document,
        write_report,
    )
    from ood_face.calibration.own_report_saving import (  # noqa: PLC0415
        own_scenario,
        save_own_calibration,
    )

    with errors_as_exits(lang, as_json=as_json):
        settings = read_settings(model=model, scenarios_file=scenarios_file)
        target = settings.scenarios_file
        refuse(
            save_as is not None and target is None,
            "--save-as needs --scenarios-file or OOD_FACE_SCENARIOS_FILE",
        )
        if save_as is not None and target is not None:
            check_new_scenario(target, save_as)
            if not target.exists():
                settings = settings.model_copy(update={"scenarios_file": None})
        check_target(out)
        rates = checked_rates(fmr or DEFAULT_FMRS)
        if calibration is not None:
            check_name(calibration)
        applied = open_scenario(settings, scenario)
        with ConsoleProgress() as progress:
            faces, same_model, folder = _measured(settings, (source, aligned), cache, progress)
            report = make_report(faces, applied, same_model, rates, progress)
        written = write_report(report, out)
        new = None
        if save_as is not None and fmr:
            new = own_scenario(report, save_as, fmr[-1], calibration)
        if calibration is not None:
            made = datetime.now(UTC).isoformat(timespec="seconds")
            written += save_own_calibration(report, folder, calibration, made, instead=True)
        if new is not None and target is not None:
            save_scenario(target, new)
            written.append(target)
    if as_json:
        print_json(report_document(report) | {"files": [str(path) for path in written]})
        return
    _print(report, lang)
    for path in written:
        typer.echo(path)


def _measured(
    settings: Settings, source: tuple[Path, bool], cache: Path, progress: Progress
) -> tuple[OwnFaces, SameModel | None, Path]:
    from ood_face.calibration.own_report import OwnFaces  # noqa: PLC0415
    from ood_face.calibration.own_report_pictures import read_source  # noqa: PLC0415
    from ood_face.cli.bench import Bench  # noqa: PLC0415
    from ood_face.uncertainty import MIN_PASSES  # noqa: PLC0415

    path, aligned = source
    bench = Bench(settings, cache, MIN_PASSES, progress)
    data = read_source(path, bench.reader(aligned=aligned))
    features, scores = bench.measured(data.faces.crops)
    faces = OwnFaces(data, features, scores, bench.model_id, path.name)
    return faces, bench.same_model, settings.weights_dir / bench.entry.name


def _print(report: OwnReport, language: Language) -> None:
    say = _Saying(language)
    say(
        "head",
        model=report.model_id,
        pictures=report.pictures,
        faces=report.faces,
        people=report.people,
        mated=report.mated_pairs,
        impostor=report.impostor_pairs,
    )
    if isinstance(report.operating, InputError):
        say.refused("operating_points", report.operating)
    else:
        _print_points(report, say)
    rows = []
    if isinstance(report.reliability, InputError):
        say.refused("reliability", report.reliability)
    else:
        rows += [
            (say.word("before"), report.reliability.before),
            (say.word("after"), report.reliability.after),
        ]
    if isinstance(report.same, InputError):
        say.refused("same", report.same)
    else:
        rows.append((say.word("same"), report.same.judged))
    if rows:
        titles = [translate(f"calibrated.{name}", {}, language) for name in _FIGURES]
        print_table(["", *titles], [[name, *_cells(judged)] for name, judged in rows])
    for name in ("scores", "similarities", "trade_off", "discard"):
        section = getattr(report, name)
        if isinstance(section, InputError):
            say.refused(name, section)


class _Saying:
    def __init__(self, language: Language) -> None:
        self._language = language

    def word(self, key: str) -> str:
        return translate(f"trust.{key}", {}, self._language)

    def refused(self, section: str, error: InputError) -> None:
        self("refused", section=self.word(section), reason=self.error(error))

    def error(self, error: InputError) -> str:
        return error_sentence(error, self._language)

    def __call__(self, key: str, **values: object) -> None:
        typer.echo(printable(translate(f"trust.{key}", values, self._language)))


def _print_points(report: OwnReport, say: _Saying) -> None:
    from ood_face.calibration.own_report_tables import operating_row  # noqa: PLC0415

    found: Any = report.operating
    rows, lacking = [], []
    for fmr, gate, point in found.points():
        named = say.word(f"{gate}_gate")
        if isinstance(point, InputError):
            lacking.append((f"FMR {fmr:g}, {named}", point))
            continue
        row = operating_row(fmr, gate, point)
        rows.append(
            [f"{fmr:g}", named, _ends(row, "threshold", "{:.4f}"), _ends(row, "fnmr", "{:.2%}")]
            + [str(row[name]) for name in _COLUMNS[4:]]
        )
    if rows:
        print_table([say.word(f"title_{name}") for name in _COLUMNS], rows)
    for where, error in lacking:
        say("lacking", where=where, reason=say.error(error))
    if found.retake is not None:
        share = {"retake": found.retake.value}
        low, high = found.retake.interval or (None, None)
        share |= {"retake_low": low, "retake_high": high}
        say(
            "retakes",
            scenario=report.scenario.name,
            share=_ends(share, "retake", "{:.1%}"),
            people=found.people,
            never=f"{found.never:.1%}",
        )


def _ends(row: dict[str, Any], name: str, shape: str) -> str:
    text = shape.format(row[name])
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return text if low is None else f"{text} ({shape.format(low)}-{shape.format(high)})"


def _cells(judged: Judged) -> list[str]:
    cells = []
    for name in _FIGURES:
        rate = judged.figures[name]
        ends = "" if rate.interval is None else f" ({rate.interval[0]:.4f}-{rate.interval[1]:.4f})"
        cells.append(f"{rate.value:.4f}{ends}")
    return cells
