"""What the commands about galleries print for people; JSON is in ``gallery_json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from ood_face.cli.exits import printable
from ood_face.cli.gallery_json import iso_time
from ood_face.cli.render import (
    STYLE_OF_VERDICT,
    print_table,
    score_cells,
    stdout_console,
)
from ood_face.cli.render_explanations import explanation_lines
from ood_face.messages import identity_name, reason_sentence, translate, verdict_name
from ood_face.types import IdentifyVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ood_face.messages import Language
    from ood_face.types import (
        Candidate,
        FaceTemplate,
        GalleryCounts,
        GalleryInfo,
        Identification,
        Reason,
        Scenario,
        Subject,
        Verification,
    )

__all__ = [
    "print_galleries",
    "print_gallery",
    "print_identification",
    "print_subject",
    "print_subjects",
    "print_verification",
    "say",
]

_STYLE_OF_IDENTITY = {
    IdentifyVerdict.IDENTIFIED: "bold green",
    IdentifyVerdict.REVIEW: "bold yellow",
    IdentifyVerdict.UNKNOWN: "bold red",
    IdentifyVerdict.RECAPTURE: "bold yellow",
}


def say(key: str, language: Language, **values: object) -> None:
    """Print one sentence of the catalogue."""
    typer.echo(printable(translate(f"command.{key}", values, language)))


def print_galleries(
    galleries: Iterable[tuple[GalleryInfo, GalleryCounts]], language: Language
) -> None:
    """Print galleries as a table."""
    titles = ("gallery", "subjects", "templates", "model", "scenario", "max_templates", "crops")
    rows = [
        (
            info.name,
            str(counts.subjects),
            str(counts.templates),
            info.model_id,
            info.scenario,
            str(info.max_templates),
            _yes(info.keep_crops, language),
        )
        for info, counts in galleries
    ]
    print_table(_columns(titles, language), rows)


def print_gallery(info: GalleryInfo, counts: GalleryCounts, index: str, language: Language) -> None:
    """Print one gallery, a line for each thing known of it."""
    facts = {
        "gallery": info.name,
        "subjects": str(counts.subjects),
        "templates": str(counts.templates),
        "model": info.model_id,
        "scenario": info.scenario,
        "calibration": info.calibration,
        "max_templates": str(info.max_templates),
        "crops": _yes(info.keep_crops, language),
        "index": index,
        "created": iso_time(info.created_at),
        "version": str(info.version),
    }
    _print_facts(facts, language)


def print_subjects(subjects: Iterable[Subject], language: Language) -> None:
    """Print subjects as a table."""
    titles = ("subject", "name", "templates", "score", "created")
    rows = [
        (
            subject.subject_id,
            _text(subject.profile.name),
            str(len(subject.templates)),
            _number(_best_score(subject)),
            iso_time(subject.created_at),
        )
        for subject in subjects
    ]
    print_table(_columns(titles, language), rows)


def print_subject(subject: Subject, language: Language) -> None:
    """Print one subject and its templates."""
    facts = {
        "subject": subject.subject_id,
        "name": subject.profile.name,
        "created": iso_time(subject.created_at),
        "version": str(subject.version),
    }
    _print_facts(facts, language)
    for key, value in subject.profile.metadata.items():
        typer.echo(printable(f"  {key}: {json.dumps(value, ensure_ascii=False)}"))
    titles = ("template", "score", "created", "crops", "source")
    rows = [
        (
            str(template.template_id),
            _number(template.ood_score),
            iso_time(template.created_at),
            _yes(template.has_crop, language),
            template.source_hash,
        )
        for template in subject.templates
    ]
    print_table(_columns(titles, language), rows)


def print_identification(found: Identification, picture: str, language: Language) -> None:
    """Print verdict, candidates and reasons of a search."""
    head = Text(identity_name(found.verdict, language), _STYLE_OF_IDENTITY[found.verdict])
    if found.verdict is IdentifyVerdict.IDENTIFIED:
        head.append(f"   {_who(found.candidates[0])}")
    _print_found(head, found.probe, picture, found.scenario, language)
    if found.candidates:
        _print_candidates(found.candidates, language)
    _print_reasons(found.reasons, language)
    _print_lines(explanation_lines(found.explanation, language))


def print_verification(found: Verification, picture: str, language: Language) -> None:
    """Print verdict, similarity and reasons of a verification."""
    head = Text(verdict_name(found.verdict, language), STYLE_OF_VERDICT[found.verdict])
    head.append(f"   {_who(found.candidate)}")
    _print_found(head, found.probe, picture, found.scenario, language)
    _print_candidates([found.candidate], language)
    _print_reasons(found.reasons, language)
    _print_lines(explanation_lines(found.explanation, language))


def _print_found(
    head: Text, probe: FaceTemplate, picture: str, scenario: Scenario, language: Language
) -> None:
    console = stdout_console()
    head.append(f"   [{scenario.name}]", "default")
    console.print(head)
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Text(f"  {printable(picture)}"), *score_cells(probe, language))
    console.print(grid)


def _print_candidates(candidates: Sequence[Candidate], language: Language) -> None:
    titles = ("subject", "name", "similarity", "fused", "score", "template", "probability")
    rows = [
        (
            candidate.subject_id,
            _text(candidate.name),
            _number(candidate.similarity),
            _number(candidate.fused_similarity),
            _number(candidate.ood_score),
            str(candidate.template_id),
            _number(candidate.probability),
        )
        for candidate in candidates
    ]
    print_table(_columns(titles, language), rows)


def _print_reasons(reasons: Iterable[Reason], language: Language) -> None:
    console = stdout_console()
    for reason in reasons:
        console.print(Text(f"  - {reason_sentence(reason, language)}"))


def _print_lines(lines: Iterable[str]) -> None:
    console = stdout_console()
    for line in lines:
        console.print(Text(f"  {line}"))


def _print_facts(facts: Mapping[str, str | None], language: Language) -> None:
    grid = Table.grid(padding=(0, 2))
    for key, value in facts.items():
        if value is not None:
            grid.add_row(Text(_column(key, language)), Text(printable(value)))
    stdout_console().print(grid)


def _columns(keys: Iterable[str], language: Language) -> list[str]:
    return [_column(key, language) for key in keys]


def _column(key: str, language: Language) -> str:
    return translate(f"column.{key}", {}, language)


def _who(candidate: Candidate) -> str:
    name = "" if candidate.name is None else f" ({candidate.name})"
    return printable(f"{candidate.subject_id}{name}")


def _yes(value: bool, language: Language) -> str:
    return translate("word.yes" if value else "word.no", {}, language)


def _best_score(subject: Subject) -> float | None:
    scores = [t.ood_score for t in subject.templates if t.ood_score is not None]
    return max(scores, default=None)


def _text(value: str | None) -> str:
    return "-" if value is None else value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
