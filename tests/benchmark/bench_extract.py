"""From the bytes of a JPEG to the features of all faces, beside what others would install.

Three ways, picture by picture in turn, on the same one core and then on the same two:

- ours: ``decode`` and ``FaceService.extract``, what ``/v1/extract`` calls, with default settings;
- facenet-pytorch as its documentation calls it: ``MTCNN(keep_all=True)`` on a Pillow picture, then
  ``InceptionResnetV1`` (random weights) on the crops, of 160 pixels. Also with the smallest face
  that we look for by default, which saves it work;
- MobileFaceNet MBF under ONNX Runtime behind our decoding, detection and alignment. The faces go
  to ONNX Runtime's process in a file; that time is left out.

``python -m tests.benchmark.bench_extract [--rounds N] [--cores N ...] [--mbf FILE]``
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ood_face.config import Settings
from tests.benchmark.machine import Figure, publish
from tests.benchmark.made_pictures import PICTURES, group, jpeg, one_face_pictures
from tests.benchmark.players import (
    NO_PEERS,
    Player,
    cores_in_words,
    cores_to_measure,
    in_words,
    median_of,
    peers_python,
    take_turns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Rounds = dict[tuple[str, Path], list[dict[str, Any]]]

ROUNDS = 5
MBF = Path("../shared/teachers/mobilefacenet_mbf.onnx")
OURS, FACENET, FACENET_LARGER, BEHIND = (
    "ours",
    "facenet-pytorch",
    "facenet-pytorch, our smallest face",
    "our detector, MBF",
)


@dataclass(frozen=True, slots=True)
class Ways:
    """Who is asked; None: not there."""

    ours: Player
    facenet: Player | None
    mbf: Player | None
    network: Path
    folder: Path


def make_pictures(folder: Path) -> dict[str, list[Path]]:
    """Write the pictures; returns files by kind, in ``all`` every one once."""
    kinds: dict[str, list[Path]] = {"one face, 640x480": [], "groups": []}
    for name, image in one_face_pictures().items():
        path = folder / f"{name}.jpg"
        path.write_bytes(jpeg(image))
        kinds["one face, 640x480"].append(path)
    path = folder / "group.jpg"
    path.write_bytes(jpeg(group()))
    kinds["groups"] += [path, PICTURES / "two_people.jpg"]
    everything = {path for paths in kinds.values() for path in paths} | set(PICTURES.glob("*.jpg"))
    return {**kinds, "all": sorted(everything)}


def smallest_face_px(path: Path) -> float:
    """Return the smallest face that we look for in a picture by default."""
    settings = Settings(_env_file=None)
    with Image.open(path) as image:
        return max(float(settings.min_face_px), settings.min_face_share * min(image.size))


def questions(ways: Ways, path: Path) -> dict[tuple[str, Path], Callable[[], dict[str, Any]]]:
    """Return what everybody is asked about one picture."""
    file = str(path)
    asked = {(OURS, path): lambda: ways.ours.ask("extract", path=file)}
    if ways.facenet is not None:
        facenet, larger_px = ways.facenet, smallest_face_px(path)
        asked[FACENET, path] = lambda: facenet.ask("extract", path=file, min_face_px=20)
        asked[FACENET_LARGER, path] = lambda: facenet.ask(
            "extract", path=file, min_face_px=larger_px
        )
    if ways.mbf is not None:
        asked[BEHIND, path] = lambda: behind_ours(ways, file)
    return asked


def behind_ours(ways: Ways, file: str) -> dict[str, Any]:
    """Let our detector find and align the faces, and the other network embed them."""
    crops = str(ways.folder / f"{Path(file).stem}.npy")
    found = ways.ours.ask("align", path=file, crops=crops)
    embedded = ways.mbf.ask("embed", network=str(ways.network), crops=crops)
    both = {what: found[what] + embedded[what] for what in ("wall_ms", "cpu_ms")}
    return {**both, "faces": embedded["faces"]}


def of_kind(label: str, kind: str, paths: list[Path], answers: Rounds) -> list[Figure]:
    """Return milliseconds, faces and ratios over the pictures of one kind."""
    figures, mean_ms = [], {}
    who_all = list(dict.fromkeys(who for who, _ in answers))
    for who in who_all:
        rounds = [answers[who, path] for path in paths]
        faces = sum(each[-1]["faces"] for each in rounds)
        for what, unit in (("wall_ms", "ms/picture"), ("cpu_ms", "CPU ms/pict")):
            mean_ms[who, what] = statistics.mean(median_of(each, what) for each in rounds)
            note = f"{faces} faces in {len(paths)} pictures"
            figures.append(Figure(f"{label}: {kind}: {who}", mean_ms[who, what], unit, note))
    for who in who_all[1:]:
        for what, way in (("wall_ms", "wall"), ("cpu_ms", "CPU")):
            ratio = mean_ms[who, what] / mean_ms[OURS, what]
            figures.append(Figure(f"{label}: {kind}: times as fast as {who}, {way}", ratio, "x"))
    return figures


def measure(cores: int, mbf: Path, rounds: int) -> tuple[list[Figure], str]:
    """Measure everybody on some cores; returns the figures, and which versions ran."""
    python = peers_python()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        start = stack.enter_context
        ways = Ways(
            start(Player("ours", cores)),
            None if python is None else start(Player("facenet", cores, python)),
            None if python is None or not mbf.is_file() else start(Player("mbf", cores, python)),
            mbf.resolve(),
            folder,
        )
        kinds = make_pictures(folder)
        asked = {key: ask for path in kinds["all"] for key, ask in questions(ways, path).items()}
        answers = take_turns(asked, rounds)
        about = "; ".join(
            in_words(peer.ask("about")) for peer in (ways.facenet, ways.mbf) if peer is not None
        )
    figures = []
    for kind, paths in kinds.items():
        figures += of_kind(cores_in_words(cores), kind, paths, answers)
    return figures, about


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/extract.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cores", type=int, nargs="+", default=cores_to_measure())
    parser.add_argument("--mbf", type=Path, default=MBF, help="MobileFaceNet MBF's .onnx file")
    options = parser.parse_args(argv)
    if peers_python() is None:
        print(NO_PEERS)
    if not options.mbf.is_file():
        print(f"{options.mbf} is not there, so nothing is compared with it: --mbf names the file")
    figures: list[Figure] = []
    for cores in options.cores:
        measured, about = measure(cores, options.mbf, options.rounds)
        figures += measured
    publish("extract", f"JPEG to features ({about or 'ours alone'})", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
