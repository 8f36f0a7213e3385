"""``ood-face evaluate``: measure a model on a data set; write report, plots and card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.bootstrap import open_scenarios
from ood_face.cli.bench import Bench
from ood_face.errors import InputError
from ood_face.evaluation.card import evaluation_page, model_card
from ood_face.evaluation.comparisons import gather_comparisons
from ood_face.evaluation.datasets import load_folders, load_pair_list, load_standard
from ood_face.evaluation.faces import load_objects
from ood_face.evaluation.identification import NO_IDENTITIES, sought
from ood_face.evaluation.plots import draw_plots
from ood_face.evaluation.ranked import pairs_alike
from ood_face.evaluation.report import build_report
from ood_face.evaluation.samples import measure_all
from ood_face.evaluation.searches import Probes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.artifacts import ModelEntry
    from ood_face.config import Settings
    from ood_face.evaluation.comparisons import Comparisons
    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.instruments import Progress

    Crops = NDArray[np.uint8]

__all__ = [
    "Source",
    "evaluate_model",
    "gathered",
    "read_data",
    "recorded_training",
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the pictures come from; exactly one of the first three is given.

    Attributes
    ----------
    data : folder with ``faces/cfp-00.tar``, ``faces/cfp_*_pairs.csv``, ``ood/objects-00.tar``
    folders : folder with one folder of pictures per person
    pairs : CSV file with the columns image_a, image_b, same and, if wanted, fold
    aligned : the pictures of folders or pairs are aligned 112x112 faces and used as they are
    """

    data: Path | None = None
    folders: Path | None = None
    pairs: Path | None = None
    aligned: bool = False

    @property
    def command(self) -> str:
        """The options that name it, as on the command line."""
        for option, path in (("data", self.data), ("folders", self.folders), ("pairs", self.pairs)):
            if path is not None:
                return f"--{option} {path}" + (" --aligned" if self.aligned else "")
        return ""


def evaluate_model(
    settings: Settings,
    source: Source,
    cache: Path,
    out: Path | None,
    passes: int,
    progress: Progress,
) -> list[Path]:
    """Measure the configured model; return the paths of what was written.

    Parameters
    ----------
    cache : folder for decoded pictures and measurements; a run that was ended goes on from there
    out : folder for the results; None: the model's own, which then gets a new model card
    passes : of Monte Carlo dropout

    Raises
    ------
    InputError
        The data set is incomplete, too small or can't be read.
    """
    bench = Bench(settings, cache, passes, progress)
    data = read_data(source, cache, bench)
    folder = settings.weights_dir / bench.entry.name
    training = recorded_training(folder)
    objects = None if source.data is None else _objects(source.data, bench, progress)
    scenario = open_scenarios(settings)["default"]
    about: dict[str, Any] = {
        "model_id": bench.model_id,
        "quality_score": bench.quality_score.value,
        "command": f"ood-face evaluate {source.command}",
        "model": {"weights_bytes": _size(bench.entry), "files": dict(bench.entry.files)},
        "data": {
            "pictures": data.pictures,
            "faces": len(data.faces.names),
            "subjects": len(np.unique(data.faces.labels)),
            "pairs": data.rule,
        },
    }
    about |= _probabilities(bench, data)
    report = build_report(bench.instruments(), data, objects, scenario, about, training)
    report["cost"] = {
        "threads": settings.workers,
        "passes": passes,
        "ms_per_face": bench.costs_ms(),
    }
    place = folder if out is None else out
    place.mkdir(parents=True, exist_ok=True)
    plots = draw_plots(report, {} if source.data is None else training, place / "plots")
    names = [path.name for path in plots]
    written = [_write(place / "report.json", json.dumps(report, indent=1) + "\n")]
    if source.data is not None:
        written.append(_write(place / "MODEL_CARD.md", model_card(report, training, names)))
    else:
        written.append(_write(place / "EVALUATION.md", evaluation_page(report, names)))
    return written + plots


def read_data(source: Source, cache: Path, bench: Bench) -> TestData:
    """Return the faces and pairs of a source.

    Raises
    ------
    InputError
        The data set is incomplete, too small or can't be read.
    """
    if source.data is not None:
        return load_standard(source.data, cache)
    reader = bench.reader(aligned=source.aligned)
    if source.folders is not None:
        return load_folders(source.folders, reader)
    assert source.pairs is not None  # noqa: S101 - the class's promise, for mypy
    return load_pair_list(source.pairs, reader)


def gathered(bench: Bench, data: TestData) -> Comparisons:
    """Return the pairs with their similarities and scores, as they are and degraded.

    Raises
    ------
    InputError
        The model gives no quality score.
    """
    instruments = bench.instruments()
    if instruments.curve is None:
        raise InputError(
            "probability.no_score",
            "the model {model} gives no quality score, which P(same) needs",
            model=bench.model_id,
        )
    return gather_comparisons(
        instruments, instruments.curve, data.faces, data.pairs, recombine=bool(data.probes)
    )


def _probabilities(bench: Bench, data: TestData) -> dict[str, Any]:
    from ood_face.calibration.same_figures import same_figures  # noqa: PLC0415

    try:
        compared = gathered(bench, data)
        pairs = same_figures(compared, bench.same_model)
    except InputError as exc:  # too little data, or no score
        reason = {"reason": str(exc)}
        return {"same_probability": reason, "search_probability": reason}
    return {"same_probability": pairs, "search_probability": _of_searches(bench, data, compared)}


def _of_searches(bench: Bench, data: TestData, compared: Comparisons) -> dict[str, Any]:
    from ood_face.calibration.search_figures import search_figures  # noqa: PLC0415

    instruments = bench.instruments()
    if not data.probes or instruments.curve is None:
        return {"reason": NO_IDENTITIES}
    instruments.progress.begin("features to search with", len(data.faces.crops))
    features, _, variances = measure_all(instruments.measure, data.faces.crops)
    measured = Probes(
        features, data.faces.labels, instruments.curve(variances), np.arange(len(features))
    )
    people, good, probes = sought(instruments, data, measured)
    try:
        return search_figures(compared, people, good, probes, pairs_alike(data))
    except InputError as exc:  # too few people
        return {"reason": str(exc)}


def _objects(data: Path, bench: Bench, progress: Progress) -> Crops:
    archive = data / "ood" / "objects-00.tar"
    key = bench.pictures.key("objects", [archive.read_bytes()])
    kept = bench.pictures.read(key)
    if kept is None:
        progress.begin("faces among the objects")
        kept = {"crops": load_objects(archive, bench.has_face)}
        bench.pictures.write(key, kept)
    return kept["crops"]


def recorded_training(folder: Path) -> dict[str, Any]:
    """Return how a model was trained, and how fast it was measured to be; empty: not known.

    Parameters
    ----------
    folder : the model's, with ``training.json`` and ``speed.json`` (make bench writes the latter)
    """
    found: dict[str, Any] = {}
    for name in ("training.json", "speed.json"):
        if (folder / name).is_file():
            found |= json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def _size(entry: ModelEntry) -> int:
    return sum((entry.weights_dir / name).stat().st_size for name in entry.files)


def _write(path: Path, text: str) -> Path:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path
