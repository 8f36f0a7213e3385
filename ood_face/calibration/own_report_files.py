"""A report on somebody's own pictures as files: JSON, Markdown, plots, and the plots' numbers."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ood_face.calibration.own_report_page import report_page
from ood_face.calibration.own_report_plots import draw_own_plots
from ood_face.calibration.own_report_tables import SECTIONS, operating_row, plot_tables
from ood_face.errors import InputError
from ood_face.evaluation.predictions import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.calibration.operating_points import Rate
    from ood_face.calibration.own_report_tables import Table
    from ood_face.calibration.own_report_values import Judged, OwnReport

__all__ = ["check_target", "report_document", "write_report"]

KIND = "ood-face trust"
FORMAT = 1


def report_document(report: OwnReport) -> dict[str, Any]:
    """Return what report.json holds: every figure, and why a section is lacking."""
    body: dict[str, Any] = {"kind": KIND, "format": FORMAT}
    for name in ("model_id", "source", "rule", "pictures", "faces", "people"):
        body[name] = getattr(report, name)
    body |= {"mated_pairs": report.mated_pairs, "impostor_pairs": report.impostor_pairs}
    body["scenario"] = asdict(report.scenario)
    tables = plot_tables(report)
    for name, field in SECTIONS.items():
        section = getattr(report, field)
        if isinstance(section, InputError):
            body[name] = {"not_measured": {"code": section.key, "reason": str(section)}}
        else:
            body[name] = _FIGURES[name](section)
            if name != "operating_points":
                body[name]["table"] = dict(tables[name])
    return body


def check_target(folder: Path) -> None:
    """Refuse a folder that can't take a report, before the work and not after it.

    Raises
    ------
    InputError
        It can't be made, or holds a report.json of another command.
    """
    parent = folder.absolute().parent
    if not parent.is_dir() or (folder.exists() and not folder.is_dir()):
        raise InputError(
            "trust.target",
            "{folder} cannot take the report: it must be a folder, or a new one in a folder that "
            "is there",
            folder=str(folder),
        )
    present = folder / "report.json"
    if not present.exists():
        return
    try:
        document = json.loads(present.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise InputError(
            "trust.foreign",
            "{file} is there already and is no report of this command: it is not replaced",
            file=str(present),
        )


def write_report(report: OwnReport, folder: Path) -> list[Path]:
    """Write a report; of an earlier one in this folder, nothing is left.

    Every file is made in full before the first is put into its place, and report.json comes last:
    where it is, the report is whole, also after a crash.

    Parameters
    ----------
    folder : made where it is not there

    Returns
    -------
    report.json, report.md, and of each section made its ``.csv`` and, but for the operating
    points, its ``.png``

    Raises
    ------
    InputError
        See :func:`check_target`; or a file can't be written.
    """
    check_target(folder)
    tables = plot_tables(report)
    try:
        with tempfile.TemporaryDirectory(prefix=".trust-", dir=folder.absolute().parent) as made:
            place = Path(made)
            text = json.dumps(report_document(report), indent=1, ensure_ascii=False) + "\n"
            (place / "report.json").write_text(text, encoding="utf-8")
            (place / "report.md").write_text(report_page(report), encoding="utf-8")
            for name, table in tables.items():
                _write_csv(place / f"{name}.csv", table)
            draw_own_plots(report, tables, place)
            return _moved(place, folder)
    except OSError as exc:
        raise InputError.unwritable(folder, exc) from exc


def _moved(place: Path, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    names = sorted(path.name for path in place.iterdir())
    for name in SECTIONS:
        for old in (f"{name}.csv", f"{name}.png"):
            if old not in names:
                (folder / old).unlink(missing_ok=True)  # of an earlier report
    order = ["report.json", "report.md", *(n for n in names if not n.startswith("report."))]
    for name in reversed(order):
        (place / name).replace(folder / name)
    return [folder / name for name in order]


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def _rate(rate: Rate | None) -> dict[str, Any] | None:
    return None if rate is None else {"value": rate.value, "interval": rate.interval}


def _judged(found: Judged) -> dict[str, Any]:
    return {name: _rate(found.figures[name]) for name in FIGURES}


def _scores(found: Any) -> dict[str, Any]:  # noqa: ANN401 - the section
    return {"mean": found.mean, "refused": found.refused}


def _counts(found: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"mated_pairs": found.mated_pairs, "impostor_pairs": found.impostor_pairs}


def _discard(found: Any) -> dict[str, Any]:  # noqa: ANN401
    areas = {name: _rate(line.area) for name, line in found.lines.items()}
    about = {"fmr": found.fmr, "threshold": found.threshold}
    return about | _counts(found) | {"area_to_20_percent": areas}


def _reliability(found: Any) -> dict[str, Any]:  # noqa: ANN401
    calibration = found.calibration
    return {
        "method": calibration.scaling.method,
        "parameters": calibration.scaling.parameters(),
        "input": calibration.input.table(),
        "claims": calibration.claims.table(),
        "prior": calibration.prior,
        "fit": {"people": found.fit_people, "pairs": found.fit_pairs},
        "test": {"people": found.test_people, "pairs": found.test_pairs},
        "before": _judged(found.before),
        "after": _judged(found.after),
    }


def _operating(found: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "people": found.people,
        "retake": _rate(found.retake),
        "never": found.never,
        "rows": [operating_row(*point) for point in found.points()],
    }


_FIGURES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "scores": _scores,
    "similarities": lambda _: {},
    "det": lambda found: _counts(found) | {"smallest_fmr": found.smallest_fmr},
    "discard": _discard,
    "reliability": _reliability,
    "operating_points": _operating,
    "same": lambda found: _judged(found.judged) | {"people": found.people} | _counts(found),
}
