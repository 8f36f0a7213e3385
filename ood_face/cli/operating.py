"""``ood-face operating-points``: thresholds for error rates, found on one's own pictures."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ood_face.bootstrap import check_new_scenario, read_settings, save_scenario
from ood_face.cli.exits import errors_as_exits, printable
from ood_face.cli.options import Aligned, AsJson, Cache, Lang, refuse
from ood_face.cli.progress import ConsoleProgress
from ood_face.cli.render import print_json, print_table
from ood_face.messages import DEFAULT_LANGUAGE, error_sentence, translate

if TYPE_CHECKING:
    from ood_face.messages import Language

__all__ = ["operating_points"]

_COLUMNS = ("gate", "threshold", "fnmr", "measured_fmr", "mated_pairs", "impostor_pairs")


def operating_points(  # noqa: PLR0913 - each option of a command is an argument
    source: Annotated[
        Path,
        typer.Argument(
            help="Own pictures: a folder with one folder per person, or a .csv with image_a, "
            "image_b, same; or the folder of the full set, with faces/."
        ),
    ],
    *,
    fmr: Annotated[
        float | None, typer.Option(help="False match rate of two pictures, such as 0.001.")
    ] = None,
    fpir: Annotated[
        float | None, typer.Option(help="False positive rate of a search, with --gallery-size.")
    ] = None,
    gallery_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures enrolled, each of which may be mistaken.")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Whose quality gate is applied.")] = "default",
    save_as: Annotated[
        str | None, typer.Option(help="Add a scenario of this name, with the threshold found.")
    ] = None,
    scenarios_file: Annotated[
        Path | None, typer.Option(help="Where to; default: OOD_FACE_SCENARIOS_FILE.")
    ] = None,
    aligned: Aligned = False,
    cache: Cache = Path("runs/cache"),
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Find the threshold for an error rate, what is missed there, and what the gate costs."""
    refuse((fmr is None) == (fpir is None), "give exactly one of --fmr and --fpir")
    refuse((fpir is None) != (gallery_size is None), "--fpir and --gallery-size go together")
    # only this command needs the figures
    from ood_face.cli.operating_run import Target, find_points  # noqa: PLC0415

    with errors_as_exits(lang, as_json=as_json):
        settings = read_settings(scenarios_file=scenarios_file)
        refuse(
            save_as is not None and settings.scenarios_file is None,
            "--save-as needs --scenarios-file or OOD_FACE_SCENARIOS_FILE",
        )
        target_file = settings.scenarios_file
        if save_as is not None and target_file is not None:
            check_new_scenario(target_file, save_as)
            if not target_file.exists():
                settings = settings.model_copy(update={"scenarios_file": None})
        with ConsoleProgress() as progress:
            found = find_points(
                settings,
                Target(source, fmr, fpir, gallery_size, aligned),
                scenario,
                cache,
                progress,
            )
        if save_as is not None and target_file is not None:
            save_scenario(target_file, found.scenario(save_as))
    # an error is no value that asdict could copy
    told = asdict(replace(found, reason=None))
    told["reason"] = None if found.reason is None else error_sentence(found.reason, lang)
    if as_json:
        print_json(told | {"saved_as": save_as})
        return
    _print(told, lang)
    if save_as is not None:
        _say("saved", lang, scenario=save_as, file=target_file)


def _print(found: dict[str, Any], language: Language) -> None:
    if found["fpir"] is not None:
        _say("fpir", language, fpir=found["fpir"], size=found["gallery_size"], fmr=found["fmr"])
    rows = []
    for gate in ("without_gate", "with_gate"):
        point = found[gate]
        if point is not None:
            rows.append(
                [translate(f"operating.{gate}", {}, language)]
                + [_cell(point["threshold"]), *(_share(point[key]) for key in _COLUMNS[2:4])]
                + [str(point[key]) for key in _COLUMNS[4:]]
            )
    print_table([translate(f"operating.title_{key}", {}, language) for key in _COLUMNS], rows)
    if found["with_gate"] is None:
        _say("no_gate", language, reason=found["reason"])
    cost = found["retakes"]
    _say(
        "retakes",
        language,
        share=_share(cost["share"]),
        never=f"{cost['never']:.1%}",
        people=cost["people"],
        scenario=found["applied"]["name"],
    )


def _say(key: str, language: Language, **values: object) -> None:
    typer.echo(printable(translate(f"operating.{key}", values, language)))


def _cell(rate: dict[str, Any]) -> str:
    text = f"{rate['value']:.4f}"
    ends = rate["interval"]
    return text if ends is None else f"{text} ({ends[0]:.4f}-{ends[1]:.4f})"


def _share(rate: dict[str, Any]) -> str:
    text = f"{rate['value']:.3%}"
    ends = rate["interval"]
    return text if ends is None else f"{text} ({ends[0]:.3%}-{ends[1]:.3%})"
