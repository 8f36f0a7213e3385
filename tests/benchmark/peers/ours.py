"""Our own, asked as the others are: detection, extraction, and each network alone.

``PYTHON -m tests.benchmark.peers.ours CORES``, asked by a player. The settings are the defaults,
which follow the number of cores.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ood_face import open_service
from ood_face.artifacts import Manifest, verified_path
from ood_face.config import Settings
from ood_face.detection.cascade import Network
from ood_face.detection.pnet_dots import DotsPnet
from ood_face.detection.rnet_dots import DotsRnet
from ood_face.imaging import decode
from ood_face.runtime import open_session
from tests.benchmark.peers.wire import CORES, answer, measured

if TYPE_CHECKING:
    from ood_face.ports import Detector, Session
    from ood_face.service import FaceService
    from ood_face.types import RgbImage

# one caller who has all the cores, like the libraries that are asked beside it
ONE_CALLER = {"workers": 1, "threads_per_worker": CORES}
SETTINGS = Settings(_env_file=None, **ONE_CALLER)
MANIFEST = Manifest.load(SETTINGS.weights_dir)
# what facenet-pytorch does by default: every face from 20 pixels on, nothing scaled down
EQUAL = Settings(
    _env_file=None,
    **ONE_CALLER,
    min_face_px=20,
    min_face_share=1e-9,
    detection_max_side_px=1_000_000,
    min_probability=0.0,
    max_faces=1_000_000,
)
# one run alone would find the caches empty
BURST = 5
LOOKED_FOR = {"equal": EQUAL, "default": SETTINGS}


@cache
def service(settings: str = "default") -> FaceService:
    """Return the service as the server opens it, looking for what facenet-pytorch does or we do."""
    return open_service(LOOKED_FOR[settings])


@cache
def pixels(path: str) -> RgbImage:
    """Return a picture."""
    return decode(Path(path).read_bytes())


class Watched:
    """A session that keeps the milliseconds of its runs, and the shapes it was given."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.ms = 0.0
        self.shapes: Counter[tuple[int, ...]] = Counter()

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        (array,) = inputs.values()
        self.shapes[array.shape] += 1
        began = time.perf_counter()
        outputs = self._session.run(inputs)
        self.ms += 1000 * (time.perf_counter() - began)
        return outputs


@cache
def watched(settings: str) -> tuple[Detector, dict[str, Watched]]:
    """Return a detector and its sessions, by network and number format: ``pnet, bfloat16``."""
    found: Detector = vars(open_service(LOOKED_FOR[settings]))["_detector"]
    sessions: dict[str, Watched] = {}
    networks = {name: of for name, of in vars(found).items() if isinstance(of, Network)}
    for name, of in networks.items():
        exact = Watched(of.exact)
        coarse = None if of.coarse is None else Watched(of.coarse)
        setattr(found, name, Network(exact, coarse, of.windows, of.in_strips))
        if coarse is not None:
            in_integers = isinstance(of.coarse, DotsPnet | DotsRnet)
            kind = "integers" if in_integers else "bfloat16"
            sessions[f"{name.lstrip('_')}, {kind}"] = coarse
        sessions[f"{name.lstrip('_')}, float32"] = exact
    return found, sessions


def detect(path: str, settings: str) -> dict[str, object]:
    """Detect in a decoded picture, with landmarks."""
    image, doing = pixels(path), service(settings)
    found, spent = measured(lambda: doing.detect(image))
    return {
        **spent,
        "boxes": [face.box_xyxy_px.tolist() for face in found],
        "landmarks": [face.landmarks_px.tolist() for face in found],
    }


def stages(path: str, settings: str) -> dict[str, object]:
    """Detect, and say how the milliseconds (wall) divide, and which shapes the networks saw.

    The networks are called one by one, so the tiles take the way without native code.
    """
    detector, sessions = watched(settings)
    for session in sessions.values():
        session.ms = 0.0
        session.shapes.clear()
    image = pixels(path)
    _, spent = measured(lambda: detector.detect(image))
    ms = {name: session.ms for name, session in sessions.items()}
    ms["around"] = spent["wall_ms"] - sum(ms.values())
    shapes = {name: list(session.shapes.items()) for name, session in sessions.items()}
    return {"ms": ms, "shapes": shapes}


def extract(path: str) -> dict[str, object]:
    """Go from the bytes of a file to the features of all faces."""
    encoded, doing = Path(path).read_bytes(), service()
    found, spent = measured(lambda: doing.extract(decode(encoded)))
    return {**spent, "faces": len(found)}


def align(path: str, crops: str) -> dict[str, object]:
    """Go from the bytes of a file to all aligned faces; these are left in a ``.npy`` file."""
    encoded, doing = Path(path).read_bytes(), service()

    def work() -> list[np.ndarray]:
        image = decode(encoded)
        return [doing.crop(image, face) for face in doing.detect(image)]

    aligned, spent = measured(work)
    np.save(crops, np.stack(aligned) if aligned else np.empty((0, 112, 112, 3), np.uint8))
    return {**spent, "faces": len(aligned)}


@cache
def network(program: str, precision: str) -> Session:
    """Open a network alone, by the name of its file, as the server runs it."""
    model, _, part = program.partition("/")
    entry = MANIFEST.model(model)
    if model == "mtcnn":
        of: Network = vars(vars(service())["_detector"])[f"_{part}"]
        looks = of.exact if precision == "float32" else of.coarse
        if looks is not None:
            return looks
    paths = (verified_path(entry, f"{program}.{end}") for end in ("json", "pdiparams"))
    return open_session(
        *paths,
        workers=CORES,
        threads=1,
        precision=precision,
        engine=SETTINGS.engine,
    )


def run(program: str, precision: str, shape: list[int]) -> dict[str, object]:
    """Run a network on noise of a shape, a few times on end; returns the median.

    Every core makes one run at once: ``runs`` says how many that are.
    """
    session = network(program, precision)
    batch, channels, rows, cols = shape
    # the detector's pixels lie with their colours together
    noise = np.random.default_rng(0).standard_normal((batch, rows, cols, channels), np.float32)
    image = noise.transpose(0, 3, 1, 2)
    if not program.startswith("mtcnn/"):
        image = np.ascontiguousarray(image)
    with ThreadPoolExecutor(CORES) as callers:

        def at_once() -> None:
            others = [callers.submit(session.run, {"image": image}) for _ in range(CORES - 1)]
            session.run({"image": image})
            for other in others:
                other.result()

        spent = [measured(at_once)[1] for _ in range(BURST)]
    median = {what: statistics.median(each[what] for each in spent) for what in spent[0]}
    return {**median, "runs": CORES}


if __name__ == "__main__":
    cv2.setNumThreads(CORES)
    answer({"detect": detect, "stages": stages, "extract": extract, "align": align, "run": run})
