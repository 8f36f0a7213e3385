"""What the tab System finds out: does everything work, how much room is left, how fast is it."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError, OodFaceError
from ood_face.imaging import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.api.served import Served
    from ood_face.service import FaceService
    from ood_face.types import AdmissionLoad, RgbImage

__all__ = ["GallerySize", "Speed", "SystemState", "look", "measure"]

_EXAMPLES = Path(__file__).parent / "examples"
_PAIR = ("portrait.jpg", "speech.jpg")
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the steps take, each alone, milliseconds; the median of some runs.

    Attributes
    ----------
    runs : how many
    picture_px : width and height of the picture
    decode_ms : from the bytes of a JPEG to pixels
    detect_ms : to find its faces
    feature_ms : to align one and to make its feature and score
    compare_ms : two pictures, from pixels to the verdict
    """

    runs: int
    picture_px: tuple[int, int]
    decode_ms: float
    detect_ms: float
    feature_ms: float
    compare_ms: float


@dataclass(frozen=True, slots=True)
class GallerySize:
    """How much a gallery holds."""

    name: str
    subjects: int
    templates: int


@dataclass(frozen=True, slots=True, eq=False)
class SystemState:
    """What was found.

    Attributes
    ----------
    failure : what the self-test met; None: it passed
    self_test_ms : how long it took
    load : who is at work and who waits
    disk_free_bytes, disk_bytes : where galleries and queue lie; None: it cannot be told
    galleries : what is enrolled; None: this server has none, or the visitor may not know
    needs_key : programs must show a key
    address : of this server as the visitor's browser knows it
    speed : as measured; None: nobody asked
    error : what stood in the way of all of it
    """

    failure: OodFaceError | None = None
    self_test_ms: float = 0.0
    load: AdmissionLoad | None = None
    disk_free_bytes: int | None = None
    disk_bytes: int | None = None
    galleries: tuple[GallerySize, ...] | None = None
    needs_key: bool = False
    address: str = ""
    speed: Speed | None = None
    error: OodFaceError | None = None


def look(
    served: Served, *, with_galleries: bool, address: str = "", speed: Speed | None = None
) -> SystemState:
    """Return how things are now.

    Parameters
    ----------
    with_galleries : the visitor may know how much is enrolled
    address : of this server as the visitor's browser knows it
    speed : what was measured before
    """
    start = time.perf_counter()
    try:
        served.faces.self_test()
        failure = None
    except OodFaceError as exc:
        failure = exc
    passed_ms = 1000 * (time.perf_counter() - start)
    free, total = _disk(served.settings.data_dir)
    return SystemState(
        failure=failure,
        self_test_ms=passed_ms,
        load=served.faces.load,
        disk_free_bytes=free,
        disk_bytes=total,
        galleries=_galleries(served) if with_galleries else None,
        needs_key=served.access is not None and served.access.needs_key(),
        address=address,
        speed=speed,
    )


def measure(service: FaceService) -> Speed:
    """Run the example pictures through, several times.

    Raises
    ------
    BackendError
        A network failed, or the server is too busy.
    """
    data = [(_EXAMPLES / name).read_bytes() for name in _PAIR]
    first, second = (_decoded(one) for one in data)
    face = service.extract_one(first)[0].face
    return Speed(
        runs=_RUNS,
        picture_px=(first.shape[1], first.shape[0]),
        decode_ms=_median_ms(lambda: _decoded(data[0])),
        detect_ms=_median_ms(lambda: service.detect(first)),
        feature_ms=_median_ms(lambda: service.embed_crops(service.crop(first, face)[np.newaxis])),
        # by templates' own way: an example is no visitor's picture, so nobody is told of it
        compare_ms=_median_ms(lambda: _compare(service, first, second)),
    )


def _compare(service: FaceService, first: RgbImage, second: RgbImage) -> None:
    (a, _), (b, _) = service.extract_one(first), service.extract_one(second)
    service.compare_templates(a, b, next(iter(service.scenarios)))


def _decoded(data: bytes) -> RgbImage:
    return decode(data, max_bytes=len(data), max_pixels=50_000_000)


def _median_ms(step: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def _disk(folder: Path) -> tuple[int | None, int | None]:
    # the folder is made with the first thing that is stored
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if there is None:
        return None, None
    try:
        usage = shutil.disk_usage(there)
    except OSError:
        return None, None
    return usage.free, usage.total


def _galleries(served: Served) -> tuple[GallerySize, ...] | None:
    if served.galleries is None:
        return None
    try:
        found = served.galleries.galleries()
    except BackendError:
        return None
    return tuple(
        GallerySize(info.name, counts.subjects, counts.templates) for info, counts in found
    )
