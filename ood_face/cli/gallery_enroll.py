"""``ood-face gallery enroll``: many pictures, one after the other; one refused stops no other."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import ExitCode, errors_as_exits, printable, report
from ood_face.cli.gallery_opening import GalleryName, opened_galleries
from ood_face.cli.gallery_outcomes import Tally, outcome_of
from ood_face.cli.gallery_report import EnrolmentReport
from ood_face.cli.gallery_sources import read_source
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.progress import bar
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import say
from ood_face.messages import DEFAULT_LANGUAGE, translate
from ood_face.service import enroll_each
from ood_face.service.enrolling import check_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ood_face.cli.gallery_outcomes import Outcome
    from ood_face.messages import Language
    from ood_face.service import BulkItem, BulkResult

__all__ = ["enroll"]


def enroll(  # noqa: PLR0913 - each option of a command is an argument
    name: GalleryName,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder with one folder per subject, or CSV: image, subject_id[, name][, ...].",
        ),
    ],
    *,
    flat: Annotated[
        bool, typer.Option("--flat", help="The folder holds the pictures: their names are ids.")
    ] = False,
    scenario: Annotated[
        str | None, typer.Option(help="Thresholds to apply; unset: the gallery's.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Enrol also faces that another subject has already.")
    ] = False,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Add a line for each picture to this CSV file.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Enrol many pictures; run again, it goes on where it ended. Code 10: some were refused.

    With --json, one line for each picture and the sum last.
    """
    with ExitStack() as stack:
        stack.enter_context(errors_as_exits(lang, as_json=as_json))
        settings = read_settings()
        items = read_source(source, settings, flat=flat)
        into = None if report_file is None else stack.enter_context(EnrolmentReport(report_file))
        faces, galleries = stack.enter_context(opened_galleries(settings))
        # what would refuse every picture is said once
        gallery = galleries.open(name)
        check_model(gallery, faces.model_id)
        faces.scenario(scenario or gallery.info.scenario)
        stopped = stack.enter_context(_signals())
        tally = Tally(len(items))
        # said last, also when the disk is full half-way
        stack.callback(_sum_up, tally, report_file, lang, as_json)
        done = stack.enter_context(bar(len(items)))
        wanted = _until(stopped, items)
        for result in enroll_each(galleries, name, wanted, scenario=scenario, force=force):
            outcome = outcome_of(result, lang)
            tally.count(outcome)
            if into is not None:
                into.write(outcome)
            _tell(result, outcome, lang, as_json)
            done(tally.pictures)
    if tally.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    raise typer.Exit(ExitCode.REFUSED if tally.refused else ExitCode.OK)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Set an event at the first Ctrl-C or TERM; the second Ctrl-C interrupts as usual."""
    asked = threading.Event()

    def ask(number: int, frame: object) -> None:  # noqa: ARG001 - as signal calls it
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    previous = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _until(stopped: threading.Event, items: Iterable[BulkItem]) -> Iterator[BulkItem]:
    for item in items:
        if stopped.is_set():
            return
        yield item


def _tell(result: BulkResult, outcome: Outcome, language: Language, as_json: bool) -> None:
    if result.error is not None:
        report(result.error, language, as_json=as_json, file=outcome.picture)
    if as_json:
        print_json(outcome.json(language), indent=None)
    elif result.error is None:
        score = "-" if outcome.ood_score is None else f"{outcome.ood_score:.3f}"
        status = translate(f"status.{outcome.status}", {}, language)
        line = f"{outcome.picture}: {outcome.subject_id}  {score}  {status}"
        typer.echo(printable("  ".join((line, *outcome.reasons))))


def _sum_up(tally: Tally, report_file: Path | None, language: Language, as_json: bool) -> None:
    if as_json:
        summary = {**tally.numbers(), "interrupted": tally.interrupted}
        print_json({"summary": summary}, indent=None)
        return
    say("enroll_summary", language, **tally.numbers())
    if report_file is not None:
        say("enroll_report", language, file=report_file)
    if tally.interrupted:
        say("enroll_interrupted", language)
