"""Measuring somebody's own labelled pictures, in the background: whom they show, and the report."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BusyError, InputError
from ood_face.imaging import decode
from webui.bundle_people import by_person

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ood_face.calibration.own_report_values import OwnReport
    from ood_face.service import FaceService
    from ood_face.types import FaceTemplate, RgbImage, Scenario
    from webui.bundle import BundledFile
    from webui.bundle_people import PersonPicture
    from webui.job_progress import Progress
    from webui.uploads import Limits

__all__ = ["OwnPlan", "OwnResult", "OwnTask", "own_plan"]

# a service that is busy with others is asked again for this long
_PATIENCE_S = 60.0
_ASK_AGAIN_S = 0.25
# in place of a picture that cannot be read: it has no face
_UNREADABLE = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """Whom pictures show.

    Attributes
    ----------
    people : folders with pictures
    alone : of these, folders with one picture, which gives no pair of one person
    pictures : in people's folders
    loose : pictures in no person's folder
    """

    people: int
    alone: int
    pictures: int
    loose: int


@dataclass(frozen=True, slots=True, eq=False)
class OwnResult:
    """The report, and the names of pictures that could not be read."""

    report: OwnReport
    unreadable: tuple[str, ...]


def own_plan(files: Sequence[BundledFile]) -> OwnPlan:
    """Say whom pictures show.

    Raises
    ------
    InputError
        No picture lies in a person's folder, or they are all of one person.
    """
    named, loose = _sorted_out(files)
    counts = Counter(picture.person for picture in named)
    if len(counts) < 2:
        raise InputError(
            "page.people",
            "the pictures must lie in one folder for each of at least two people, and there are "
            "{count} such folders",
            count=len(counts),
        )
    alone = sum(count == 1 for count in counts.values())
    return OwnPlan(len(counts), alone, len(named), loose)


@dataclass(frozen=True, slots=True)
class OwnTask:
    """The work of one report; called with the job's progress, it returns an :class:`OwnResult`.

    Attributes
    ----------
    faces : measures the pictures
    files : what was sent
    source : what the report calls it
    limits : on one picture
    scenario : whose quality gate is applied
    folder : where the pictures lie by person while they are measured
    seconds : a clock that never goes back
    """

    faces: FaceService
    files: Sequence[BundledFile]
    source: str
    limits: Limits
    scenario: Scenario
    folder: Path
    seconds: Callable[[], float] = time.monotonic

    def __call__(self, progress: Progress) -> OwnResult:
        """Measure, and make the report.

        Raises
        ------
        InputError
            There are too few people or faces; says how many are needed.
        JobCancelled
            The visitor does not want it any more.
        BackendError
            The service stayed busy, failed, or the disk is full.
        """
        # only this needs the figures
        from ood_face.calibration.own_report import make_report, most_steps  # noqa: PLC0415
        from ood_face.calibration.own_report_pictures import measure_pictures  # noqa: PLC0415

        named, _ = _sorted_out(self.files)
        reading = _Reading(self, [picture.file.name for picture in named], progress)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as made:
            root = Path(made) / "pictures"
            _lay_out(named, root, progress)
            try:
                measured = measure_pictures(root, reading.embed, reading, reading.read)
            except InputError as error:
                raise _renamed(error, str(root), self.source) from error
        # the pictures are gone; what is left are numbers
        report = make_report(
            replace(measured, source=self.source),
            self.scenario,
            self.faces.same_model,
            progress=_Figures(progress, most_steps()),
        )
        return OwnResult(report, tuple(reading.unreadable))


class _Reading:
    """Reads one picture after the other, in the order in which they were laid out."""

    def __init__(self, task: OwnTask, names: list[str], progress: Progress) -> None:
        self._task, self._names, self._progress = task, names, progress
        self._next = 0
        self.unreadable: list[str] = []

    def begin(self, what: str, total: int | None = None) -> None:  # noqa: ARG002 - the protocol's
        self._progress.check()

    def advance(self, count: int) -> None:  # noqa: ARG002
        self._progress.check()

    def read(self, data: bytes) -> RgbImage:
        name = self._names[self._next]
        self._progress.tell(self._next, len(self._names), name)
        self._next += 1
        limits = self._task.limits
        try:
            return decode(data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)
        except InputError:
            self.unreadable.append(name)
            return _UNREADABLE

    def embed(self, image: RgbImage) -> FaceTemplate | None:
        if image is _UNREADABLE:
            return None
        until = self._task.seconds() + _PATIENCE_S
        while True:
            self._progress.check()
            try:
                found = self._task.faces.extract(image)
            except BusyError:
                if self._task.seconds() >= until:
                    raise
                time.sleep(_ASK_AGAIN_S)
                continue
            return found[0] if found else None


class _Figures:
    """Tells of the steps of the report."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps = progress, steps
        self._done = 0

    def begin(self, what: str, total: int | None = None) -> None:  # noqa: ARG002
        self._progress.check()
        self._progress.tell(self._done, self._steps)
        self._done += 1

    def advance(self, count: int) -> None:  # noqa: ARG002
        self._progress.check()


def _sorted_out(files: Sequence[BundledFile]) -> tuple[list[PersonPicture], int]:
    from ood_face.calibration.own_report_pictures import PICTURE_SUFFIXES  # noqa: PLC0415

    pictures = [one for one in files if _suffix(one) in PICTURE_SUFFIXES]
    found = by_person(pictures, "folders")
    named = [picture for picture in found if picture.person is not None]
    named.sort(key=lambda picture: (picture.person or "", picture.file.name))
    return named, len(found) - len(named)


def _suffix(file: BundledFile) -> str:
    return PurePosixPath(file.name).suffix.lower()


def _lay_out(named: Sequence[PersonPicture], root: Path, progress: Progress) -> None:
    # under numbers in their order: names of folders may be longer or stranger than a disk allows
    people: dict[str | None, int] = {}
    for number, picture in enumerate(named):
        progress.check()
        folder = root / f"{people.setdefault(picture.person, len(people)):04d}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            data = picture.file.read()
        except InputError:
            data = b""  # counted where it is read
        (folder / f"{number:06d}{_suffix(picture.file)}").write_bytes(data)


def _renamed(error: InputError, folder: str, source: str) -> InputError:
    # the visitor has never seen the server's folder
    values = {name: source if value == folder else value for name, value in error.values.items()}
    sentence = str(error).replace(folder, source).replace("{", "{{").replace("}", "}}")
    return type(error)(error.key, sentence, **values)
