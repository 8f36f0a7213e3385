"""The commands."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import ood_face
from ood_face.allocator import keep_freed_memory
from ood_face.bootstrap import open_review, open_scenarios, open_service, read_settings
from ood_face.cli.audit import audit
from ood_face.cli.backup import backup, restore
from ood_face.cli.calibrating import calibrate
from ood_face.cli.doctor import EPILOG as DOCTOR_EPILOG
from ood_face.cli.doctor import doctor
from ood_face.cli.drift import app as drift_app
from ood_face.cli.exits import (
    EXIT_OF_VERDICT,
    HELP_EPILOG,
    ExitCode,
    errors_as_exits,
    exit_code,
    printable,
    report,
)
from ood_face.cli.extracting import check_writable, extract_files, write_npz
from ood_face.cli.gallery import app as gallery_app
from ood_face.cli.keys import app as keys_app
from ood_face.cli.operating import operating_points
from ood_face.cli.options import (
    AsJson,
    Cache,
    Data,
    Folders,
    Lang,
    ModelName,
    OwnAligned,
    Pairs,
    check_source,
    refuse,
)
from ood_face.cli.own_report import trust
from ood_face.cli.pictures import STDIN, read_picture
from ood_face.cli.policies import app as policies_app
from ood_face.cli.progress import ConsoleProgress, bar
from ood_face.cli.render import (
    comparison_json,
    file_json,
    print_comparison,
    print_faces,
    print_json,
    print_scenarios,
)
from ood_face.cli.review import app as review_app
from ood_face.cli.weights import app as weights_app
from ood_face.errors import OodFaceError
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.uncertainty import DEFAULT_PASSES, MAX_PASSES, MIN_PASSES, UncertaintyMethod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ood_face.cli.extracting import FileFaces
    from ood_face.config import Settings
    from ood_face.messages import Language
    from ood_face.types import RgbImage

__all__ = ["app", "main"]


app = typer.Typer(
    name="ood-face",
    help="Face recognition that says, for every face, how far it can be trusted.",
    epilog=HELP_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(gallery_app, name="gallery")
app.add_typer(weights_app, name="weights")
app.add_typer(keys_app, name="keys")
app.add_typer(drift_app, name="drift")
app.add_typer(policies_app, name="policies")
app.add_typer(review_app, name="review")
for command in (audit, backup, calibrate, restore, trust):
    app.command(epilog=HELP_EPILOG)(command)
app.command("operating-points", epilog=HELP_EPILOG)(operating_points)
app.command(epilog=DOCTOR_EPILOG)(doctor)


@app.command(epilog=HELP_EPILOG)
def compare(  # noqa: PLR0913 - each option of a command is an argument
    a: Annotated[str, typer.Argument(help="First picture; - reads stdin.")],
    b: Annotated[str, typer.Argument(help="Second picture; - reads stdin.")],
    *,
    scenario: Annotated[str, typer.Option(help="Thresholds to apply.")] = "default",
    calibration: Annotated[
        str | None,
        typer.Option(help="One that the scenario offers, or none; unset: the scenario's choice."),
    ] = None,
    flag: Annotated[
        bool, typer.Option("--flag", help="Offer a doubtful verdict to the review queue.")
    ] = False,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Say whether two pictures show the same person; the exit code is the verdict."""
    refuse(a == b == STDIN, "only one of the two pictures can come from stdin")
    with errors_as_exits(lang, as_json=as_json), ExitStack() as opened:
        settings = read_settings()
        image_a, image_b = (_picture(name, settings, lang, as_json) for name in (a, b))
        if flag:
            # closed before the process ends: an item is written in passing
            review = opened.enter_context(closing(open_review(settings)))
            service = open_service(_alone(settings), review.queue)
        else:
            service = open_service(_alone(settings))
        comparison = service.compare(image_a, image_b, scenario, calibration)
        if as_json:
            print_json(comparison_json(comparison, lang))
        else:
            print_comparison(comparison, (a, b), lang)
    raise typer.Exit(EXIT_OF_VERDICT[comparison.verdict])


@app.command(epilog=HELP_EPILOG)
def extract(  # noqa: PLR0913 - each option of a command is an argument
    files: Annotated[list[str], typer.Argument(help="Pictures; - reads one from stdin.")],
    *,
    as_json: AsJson = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON line per file.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write features, scores and boxes to this .npz file.")
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A picture without a face is no failure.")
    ] = False,
    uncertainty: Annotated[
        UncertaintyMethod | None,
        typer.Option(help="Estimate how sure the model is; mc: by Monte Carlo dropout."),
    ] = None,
    passes: Annotated[
        int, typer.Option(min=MIN_PASSES, max=MAX_PASSES, help="Monte Carlo passes.")
    ] = DEFAULT_PASSES,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Find all faces and print feature and quality of each; a file that fails stops no other."""
    refuse(as_json and jsonl, "--json and --jsonl exclude each other")
    refuse(files.count(STDIN) > 1, "only one picture can come from stdin")
    with errors_as_exits(lang, as_json=as_json or jsonl):
        if out is not None:
            check_writable(out)
        settings = read_settings()
        service = open_service(_alone(settings))
        kept: list[FileFaces] = []
        codes = [ExitCode.OK]
        found = extract_files(
            service,
            settings,
            files,
            allow_empty=allow_empty,
            uncertainty=uncertainty,
            passes=passes,
        )
        for result in _with_progress(found, len(files)):
            if result.error is not None:
                report(result.error, lang, as_json=as_json or jsonl, file=result.file)
                codes.append(exit_code(result.error))
            if jsonl:
                print_json(file_json(result, lang), indent=None)
            elif not as_json and result.error is None:
                print_faces(result.file, result.templates, lang)
            if as_json or out is not None:
                kept.append(result)
        if as_json:
            print_json([file_json(result, lang) for result in kept])
        if out is not None:
            write_npz(out, kept, service.model_id)
    raise typer.Exit(max(codes))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port.")] = None,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Serve the page and the API."""
    keep_freed_memory()
    from webui.places import keep_in  # noqa: PLC0415

    with errors_as_exits(lang, as_json=False):
        settings = read_settings(host=host, port=port)
    # before what it imports reads where to write
    keep_in(settings.data_dir)
    from webui import server  # noqa: PLC0415 - seconds of imports

    exits = {
        0: ExitCode.OK,
        server.EXIT_CONFIG: ExitCode.SETUP,
        server.EXIT_ARTIFACT: ExitCode.SETUP,
    }
    with errors_as_exits(lang, as_json=False):
        ended = server.serve(settings)
    raise typer.Exit(exits.get(ended, ExitCode.FAILED))


@app.command()
def scenarios(as_json: AsJson = False, lang: Lang = DEFAULT_LANGUAGE) -> None:
    """List the scenarios and their thresholds."""
    with errors_as_exits(lang, as_json=as_json):
        found = open_scenarios(read_settings()).values()
        if as_json:
            print_json([asdict(scenario) for scenario in found])
        else:
            print_scenarios(found)


@app.command(epilog=HELP_EPILOG)
def evaluate(  # noqa: PLR0913 - each option of a command is an argument
    *,
    data: Data = None,
    folders: Folders = None,
    pairs: Pairs = None,
    aligned: OwnAligned = False,
    model: ModelName = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; --data: the model's own, if unset.")
    ] = None,
    passes: Annotated[
        int, typer.Option(min=MIN_PASSES, max=MAX_PASSES, help="Monte Carlo passes.")
    ] = DEFAULT_PASSES,
    cache: Cache = Path("runs/cache"),
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Measure a model; write report.json, plots, and a model card or a page on own pictures."""
    check_source(data, folders, pairs, aligned, out)
    # only this command needs the figures
    from ood_face.cli.evaluating import Source, evaluate_model  # noqa: PLC0415

    with errors_as_exits(lang, as_json=False), ConsoleProgress() as progress:
        source = Source(data, folders, pairs, aligned)
        written = evaluate_model(read_settings(model=model), source, cache, out, passes, progress)
    for path in written:
        typer.echo(path)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": ood_face.__version__})
    else:
        typer.echo(f"ood-face {ood_face.__version__}")


def main() -> None:
    """Run the command."""
    sys.excepthook = _defect
    # the command itself, not typer's wrapper: that one would put its own excepthook in place
    typer.main.get_command(app)(prog_name="ood-face")


def _defect(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    # Python exits with 1 after an uncaught exception, which here would say: different people
    line = printable(f"ood-face: defect, please report it: {kind.__name__}: {error}")
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the command line's own output
    os._exit(ExitCode.FAILED)


def _alone(settings: Settings) -> Settings:
    # pictures come one after the other: a second predictor would only take time to make
    return settings.model_copy(update={"workers": 1})


def _picture(name: str, settings: Settings, lang: Language, as_json: bool) -> RgbImage:
    try:
        return read_picture(name, settings)
    except OodFaceError as exc:
        report(exc, lang, as_json=as_json, file=name)
        raise typer.Exit(exit_code(exc)) from exc


def _with_progress(found: Iterator[FileFaces], total: int) -> Iterator[FileFaces]:
    if total < 2:
        yield from found
        return
    with bar(total) as done:
        for number, result in enumerate(found, start=1):
            yield result
            done(number)
