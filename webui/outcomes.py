"""What the page asks the service, and what came of it: free of language and of layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ood_face.errors import (
    BackendError,
    InputError,
    MultipleFacesError,
    NoFaceError,
    OodFaceError,
)
from ood_face.imaging import picture_faults
from webui.uploads import read_uploads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ood_face.imaging import PictureFault
    from ood_face.service import FaceService
    from ood_face.types import Comparison, DetectedFace, FaceTemplate, RgbImage
    from ood_face.uncertainty import UncertaintyMethod
    from webui.uploads import Limits, Upload

__all__ = [
    "CompareOutcome",
    "ExtractOutcome",
    "FileOutcome",
    "Marks",
    "Problem",
    "Side",
    "compare_pictures",
    "extract_pictures",
]

Side = Literal["", "first", "second"]


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """The faces to outline in one picture; ``used`` is the one that was compared."""

    width: int = 0
    height: int = 0
    faces: tuple[DetectedFace, ...] = ()
    used: DetectedFace | None = None

    @classmethod
    def on(
        cls, image: RgbImage, faces: Sequence[DetectedFace], used: DetectedFace | None = None
    ) -> Marks:
        """Return the marks of a picture of shape (H, W, 3)."""
        return cls(image.shape[1], image.shape[0], tuple(faces), used)

    def is_used(self, face: DetectedFace) -> bool:
        """Whether a face is the one compared; where none is chosen, all are meant."""
        return self.used is None or bool((face.box_xyxy_px == self.used.box_xyxy_px).all())

    def for_picker(self) -> dict[str, Any]:
        """Return what the picker in the browser draws."""
        faces = [
            {
                "box": [round(float(v), 1) for v in face.box_xyxy_px],
                "landmarks": [[round(float(v), 1) for v in point] for point in face.landmarks_px],
                "chosen": self.is_used(face),
            }
            for face in self.faces
        ]
        return {"width": self.width, "height": self.height, "faces": faces}


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """An error the visitor is told of, and the picture it is about."""

    error: OodFaceError
    side: Side = ""


@dataclass(frozen=True, slots=True, eq=False)
class CompareOutcome:
    """A comparison, or the problem that stood in its way; neither while pictures are missing.

    Attributes
    ----------
    marks : the faces to outline in the two pictures
    faults : what people can mend about the two pictures
    """

    comparison: Comparison | None = None
    problem: Problem | None = None
    marks: tuple[Marks, Marks] = (Marks(), Marks())
    faults: tuple[tuple[PictureFault, ...], tuple[PictureFault, ...]] = ((), ())


@dataclass(frozen=True, slots=True, eq=False)
class FileOutcome:
    """The faces of one file, or the error that it gave."""

    name: str
    marks: Marks
    templates: tuple[FaceTemplate, ...] = ()
    error: OodFaceError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExtractOutcome:
    """What every file gave; ``error``: the whole request was refused."""

    model_id: str
    files: tuple[FileOutcome, ...] = ()
    error: OodFaceError | None = None


def compare_pictures(
    service: FaceService, limits: Limits, first: object, second: object, scenario: str
) -> CompareOutcome:
    """Compare what the two pickers hold; a picture may come with the number of its chosen face."""
    images: list[RgbImage] = []
    sides: tuple[tuple[Side, object], ...] = (("first", first), ("second", second))
    for side, payload in sides:
        try:
            uploads = read_uploads(payload, limits)
            images += [upload.image(limits, service.work) for upload in uploads]
        except InputError as error:
            return CompareOutcome(problem=Problem(error, side))
    if len(images) < len(sides):
        return CompareOutcome()
    numbers = (_number(first), _number(second))
    try:
        comparison = service.compare(images[0], images[1], scenario, numbers=numbers)
    except OodFaceError as error:
        return _refused(service, images, numbers, error)
    used = (comparison.template_a.face, comparison.template_b.face)
    crowded = [reason.key.removeprefix("faces.largest_") for reason in comparison.reasons]
    several = [letter in crowded for letter in "ab"]
    marks = [
        Marks.on(image, ((many or number) and _faces(service, image)) or [face], face)
        for image, face, many, number in zip(images, used, several, numbers, strict=True)
    ]
    faults = [
        picture_faults(service.crop(image, face), face)
        for image, face in zip(images, used, strict=True)
    ]
    return CompareOutcome(comparison, marks=(marks[0], marks[1]), faults=(faults[0], faults[1]))


def _number(payload: object) -> int | None:
    match payload:
        case [{"face": int(number)}]:
            return number
        case _:
            return None


def _refused(
    service: FaceService,
    images: Sequence[RgbImage],
    numbers: tuple[int | None, int | None],
    error: OodFaceError,
) -> CompareOutcome:
    # the service names the picture in the key; its faces are outlined so that the visitor sees
    # what was found, and can choose one
    side: Side = ""
    marks = [Marks(), Marks()]
    for index, name in enumerate(("first", "second")):
        if isinstance(error, InputError) and error.key.endswith(f"_{name}"):
            side = "first" if name == "first" else "second"
        if isinstance(error, MultipleFacesError) or side == name:
            found = [] if isinstance(error, NoFaceError) else _faces(service, images[index])
            number = numbers[index]
            chosen = None
            if number is not None and 0 < number <= len(found):
                chosen = found[number - 1]
            marks[index] = Marks.on(images[index], found, chosen)
    return CompareOutcome(problem=Problem(error, side), marks=(marks[0], marks[1]))


def _faces(service: FaceService, image: RgbImage) -> list[DetectedFace]:
    # for the outlines only: a service that has no time for them now leaves them out
    try:
        return service.detect(image)
    except BackendError:
        return []


def extract_pictures(
    service: FaceService, limits: Limits, payload: object, uncertainty: UncertaintyMethod | None
) -> ExtractOutcome:
    """Extract every face of every file; a file that fails does not stop the others."""
    try:
        uploads = read_uploads(payload, limits)
    except InputError as error:
        return ExtractOutcome(service.model_id, error=error)
    files = tuple(_extract_file(service, limits, upload, uncertainty) for upload in uploads)
    return ExtractOutcome(service.model_id, files)


def _extract_file(
    service: FaceService, limits: Limits, upload: Upload, uncertainty: UncertaintyMethod | None
) -> FileOutcome:
    try:
        image = upload.image(limits, service.work)
        templates = service.extract(image, uncertainty)
    except OodFaceError as error:
        return FileOutcome(upload.name, Marks(), error=error)
    marks = Marks.on(image, [template.face for template in templates])
    return FileOutcome(upload.name, marks, tuple(templates))
