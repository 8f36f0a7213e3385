"""Face detection: milliseconds per stage, the ratio to facenet-pytorch, memory over many sizes.

All times are CPU time of one thread, so a busy machine distorts them less than wall time.

facenet-pytorch runs picture by picture in turn with ours if ``OOD_FACE_FACENET_PYTHON`` names a
Python that has it (``.venv-facenet/bin/python``). Otherwise its recorded seconds are scaled by a
calibration loop that was timed when they were recorded and is timed again now; ``--record``
writes them anew.

``python -m tests.benchmark.bench_detection [--pictures DIR] [--soak N] [--record]``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ood_face.artifacts import Manifest
from ood_face.detection import MtcnnSettings, open_mtcnn
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ood_face.detection import MtcnnDetector
    from ood_face.types import RgbImage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORDED = HERE / "facenet_seconds.json"
ROUNDS = 5
# what facenet-pytorch does by default: every face from 20 pixels on, nothing scaled down
SAME = MtcnnSettings(
    min_face_px=20, min_face_share=0.0, max_side_px=None, min_probability=0.0, max_faces=None
)
CHILD = """
import sys, time, cv2, torch
from facenet_pytorch import MTCNN
torch.set_num_threads(1)
mtcnn = MTCNN(keep_all=True, min_face_size=20)
for line in sys.stdin:
    image = cv2.imread(line.strip())[:, :, ::-1].copy()
    began = time.thread_time()
    mtcnn.detect(image, landmarks=True)
    print(time.thread_time() - began, flush=True)
"""


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the CPU milliseconds this thread spends in ``work``."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def calibration_ms() -> float:
    """Return the CPU time of fixed work much like a small network's: products and passes."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 384, 384), dtype=np.float32)
    picture = rng.random((700, 700), dtype=np.float32)

    def work() -> None:
        for _ in range(6):
            np.maximum(a @ b, 1.0)
            cv2.blur(picture, (3, 3))

    return min(cpu_ms(work) for _ in range(15))


@contextmanager
def facenet() -> Iterator[Callable[[Path], float] | None]:
    """Yield what times facenet-pytorch on a file, or None where there is none."""
    python = os.environ.get("OOD_FACE_FACENET_PYTHON")
    if not python:
        yield None
        return
    command = [python, "-W", "ignore", "-c", CHILD]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:

        def timed(path: Path) -> float:
            child.stdin.write(f"{path}\n")
            child.stdin.flush()
            return 1000 * float(child.stdout.readline())

        yield timed
        child.stdin.close()


def stages_ms(detector: MtcnnDetector, image: RgbImage) -> dict[str, float]:
    """Return the CPU time of one detection: inside each network, around them, and in all."""
    spent = {"pnet": 0.0, "rnet": 0.0, "onet": 0.0}
    for name in spent:
        session = getattr(detector, f"_{name}")
        run = type(session).run

        def timed(
            inputs: object, *, name: str = name, run: object = run, session: object = session
        ):
            began = time.process_time()
            answer = run(session, inputs)
            spent[name] += 1000 * (time.process_time() - began)
            return answer

        session.run = timed
    total = cpu_ms(lambda: detector.detect(image))
    return {**spent, "around": total - sum(spent.values()), "total": total}


def speed(pictures: dict[Path, RgbImage], *, record: bool) -> list[Figure]:
    """Compare with facenet-pytorch and say where our time goes."""
    manifest = Manifest.load(ROOT / "weights")
    detectors = {
        "same settings": open_mtcnn(manifest, settings=SAME),
        "defaults": open_mtcnn(manifest),
    }
    ours: dict[str, dict[Path, list[dict[str, float]]]] = {
        label: {path: [] for path in pictures} for label in detectors
    }
    theirs: dict[Path, list[float]] = {path: [] for path in pictures}
    with facenet() as time_facenet:
        for turn in range(ROUNDS + 1):  # the first round warms up
            for path, image in pictures.items():
                reference = None if time_facenet is None else time_facenet(path)
                measured = {label: stages_ms(d, image) for label, d in detectors.items()}
                if turn:
                    theirs[path] += [] if reference is None else [reference]
                    for label, stages in measured.items():
                        ours[label][path].append(stages)
        reference_ms, how = _reference(theirs, measured_now=time_facenet is not None)
        if record and time_facenet is not None:
            _record(theirs)
    figures = [Figure("facenet-pytorch", reference_ms, "CPU ms/pict", how)]
    for label, by_path in ours.items():
        means = {
            stage: statistics.mean(
                statistics.median(round_[stage] for round_ in rounds) for rounds in by_path.values()
            )
            for stage in ("pnet", "rnet", "onet", "around", "total")
        }
        figures += [Figure(f"{label}: {stage}", ms, "CPU ms/pict") for stage, ms in means.items()]
        if reference_ms:
            ratio = reference_ms / means["total"]
            figures.append(Figure(f"{label}: times as fast", ratio, "x"))
    return figures


def _reference(theirs: dict[Path, list[float]], *, measured_now: bool) -> tuple[float, str]:
    if measured_now:
        now = statistics.mean(statistics.median(rounds) for rounds in theirs.values())
        return now, "measured in this run, in turn with ours"
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    known = [recorded["cpu_ms"].get(path.name) for path in theirs]
    if None in known:
        return 0.0, "no recorded seconds for these pictures"
    scale = calibration_ms() / recorded["calibration_ms"]
    return statistics.mean(known) * scale, f"estimated: recorded, scaled by {scale:.2f}"


def _record(theirs: dict[Path, list[float]]) -> None:
    content = {
        "what": "CPU ms of facenet-pytorch 2.6.0 (one thread, its defaults) per picture",
        "calibration_ms": round(calibration_ms(), 2),
        "cpu_ms": {path.name: round(statistics.median(ms), 1) for path, ms in theirs.items()},
    }
    RECORDED.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def soak(pictures: list[RgbImage], count: int) -> list[Figure]:
    """Detect in ``count`` pictures of random sizes; say how memory went."""
    detector = open_mtcnn(Manifest.load(ROOT / "weights"))
    rng = np.random.default_rng(0)
    marks = {}
    for index in range(count):
        size = tuple(int(side) for side in rng.integers(40, 1400, 2))
        detector.detect(cv2.resize(pictures[index % len(pictures)], size))
        if index in (count // 10, count // 2, count - 1):
            marks[index] = resident_mib()
    first, middle, last = marks.values()
    return [
        Figure(f"resident after {count // 10} pictures", first, "MiB", "sizes 40-1400, random"),
        Figure(f"growth until {count // 2}", middle - first, "MiB"),
        Figure(f"growth from there to {count}", last - middle, "MiB"),
    ]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write ``build/bench/detection.json``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pictures", type=Path, default=ROOT / "tests" / "pictures")
    parser.add_argument("--soak", type=int, default=2000, help="pictures of random sizes; 0: none")
    parser.add_argument("--record", action="store_true", help="keep facenet-pytorch's seconds")
    options = parser.parse_args(argv)
    pictures = {
        path.resolve(): np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        for path in sorted(options.pictures.glob("*.jpg"))
    }
    figures = speed(pictures, record=options.record)
    if options.soak:
        figures += soak(list(pictures.values()), options.soak)
    publish("detection", f"Face detection, {len(pictures)} pictures, one thread", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
