"""``ood-face weights fit-probability``: fit P(same) of a model to pairs of known people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import errors_as_exits, printable
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
)
from ood_face.cli.progress import ConsoleProgress
from ood_face.cli.render import print_json
from ood_face.messages import DEFAULT_LANGUAGE, translate
from ood_face.uncertainty import DEFAULT_PASSES

if TYPE_CHECKING:
    from ood_face.cli.evaluating import Source
    from ood_face.config import Settings
    from ood_face.evaluation.instruments import Progress

__all__ = ["fit_probability"]


def fit_probability(  # noqa: PLR0913 - each option of a command is an argument
    *,
    data: Data = None,
    folders: Folders = None,
    pairs: Pairs = None,
    aligned: OwnAligned = False,
    model: ModelName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, for OOD_FACE_PROBABILITY_FILE; --data: if unset, the model's own."
        ),
    ] = None,
    cache: Cache = Path("runs/cache"),
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Fit the probability of the same person to pairs, as they are and degraded."""
    check_source(data, folders, pairs, aligned, out)
    # only this command needs the fit
    from ood_face.cli.evaluating import Source  # noqa: PLC0415

    with errors_as_exits(lang, as_json=as_json), ConsoleProgress() as progress:
        source = Source(data, folders, pairs, aligned)
        found = _fit(read_settings(model=model), source, cache, out, progress)
    if as_json:
        print_json(found)
    else:
        typer.echo(printable(translate("probability.fitted", found, lang)))


def _fit(
    settings: Settings, source: Source, cache: Path, out: Path | None, progress: Progress
) -> dict[str, Any]:
    from ood_face.calibration.same import fit_same  # noqa: PLC0415
    from ood_face.calibration.same_file import (  # noqa: PLC0415
        fit_facts,
        ship_same_model,
        write_same_model,
    )
    from ood_face.cli.bench import Bench  # noqa: PLC0415
    from ood_face.cli.evaluating import gathered, read_data  # noqa: PLC0415

    bench = Bench(settings, cache, DEFAULT_PASSES, progress, with_probability=False)
    test_data = read_data(source, cache, bench)
    comparisons = gathered(bench, test_data)
    fitted = fit_same(comparisons, bench.model_id)
    facts = fit_facts(comparisons, test_data.rule)
    if out is None:
        path = ship_same_model(settings.weights_dir, bench.entry.name, fitted, facts)
    else:
        path = out
        write_same_model(path, fitted, facts)
    return {"file": str(path), "model_id": bench.model_id, "pivot": fitted.pivot, **facts}
