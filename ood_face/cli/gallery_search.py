"""``ood-face gallery identify`` and ``verify``: a picture against who is enrolled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ood_face.bootstrap import read_settings
from ood_face.cli.exits import EXIT_OF_IDENTITY, EXIT_OF_VERDICT, errors_as_exits
from ood_face.cli.gallery_json import identification_json, verification_json
from ood_face.cli.gallery_opening import GalleryName, opened_galleries
from ood_face.cli.gallery_subjects import SubjectId
from ood_face.cli.options import AsJson, Lang
from ood_face.cli.pictures import read_picture
from ood_face.cli.render import print_json
from ood_face.cli.render_galleries import print_identification, print_verification
from ood_face.messages import DEFAULT_LANGUAGE
from ood_face.service.searching import MAX_TOP_K

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.messages import Language
    from ood_face.service import GalleryService
    from ood_face.types import RgbImage

__all__ = ["identify", "verify"]

PictureName = Annotated[str, typer.Argument(metavar="PICTURE", help="A picture; - reads stdin.")]
ScenarioName = Annotated[
    str | None, typer.Option("--scenario", help="Thresholds to apply; unset: the gallery's.")
]

CalibrationName = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="One that the scenario offers, or none; unset: the gallery's, or else the scenario's.",
    ),
]


def identify(  # noqa: PLR0913 - each option of a command is an argument
    name: GalleryName,
    picture: PictureName,
    *,
    top_k: Annotated[
        int, typer.Option("--top-k", min=1, max=MAX_TOP_K, help="At most so many candidates.")
    ] = 5,
    scenario: ScenarioName = None,
    calibration: CalibrationName = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Say who is in a picture; the exit code is the verdict."""
    with errors_as_exits(lang, as_json=as_json):
        with _picture_and_galleries(picture, lang, as_json) as (image, galleries):
            found = galleries.identify(name, image, top_k, scenario, calibration=calibration)
        if as_json:
            print_json(identification_json(found, lang))
        else:
            print_identification(found, picture, lang)
    raise typer.Exit(EXIT_OF_IDENTITY[found.verdict])


def verify(  # noqa: PLR0913 - each option of a command is an argument
    name: GalleryName,
    subject_id: SubjectId,
    picture: PictureName,
    *,
    scenario: ScenarioName = None,
    calibration: CalibrationName = None,
    as_json: AsJson = False,
    lang: Lang = DEFAULT_LANGUAGE,
) -> None:
    """Say whether a picture shows the subject it is said to show; the exit code is the verdict."""
    with errors_as_exits(lang, as_json=as_json):
        with _picture_and_galleries(picture, lang, as_json) as (image, galleries):
            found = galleries.verify(name, subject_id, image, scenario, calibration=calibration)
        if as_json:
            print_json(verification_json(found, lang))
        else:
            print_verification(found, picture, lang)
    raise typer.Exit(EXIT_OF_VERDICT[found.verdict])


@contextmanager
def _picture_and_galleries(
    picture: str, lang: Language, as_json: bool
) -> Iterator[tuple[RgbImage, GalleryService]]:
    settings = read_settings()
    with errors_as_exits(lang, as_json=as_json, file=picture):
        image = read_picture(picture, settings)
    with opened_galleries(settings) as (_, galleries):
        yield image, galleries
