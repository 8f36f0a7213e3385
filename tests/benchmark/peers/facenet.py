"""facenet-pytorch, called as its documentation says; InceptionResnetV1 with random weights.

``PYTHON -m tests.benchmark.peers.facenet CORES``, asked by a player.
"""

from __future__ import annotations

import io
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from PIL import Image

from tests.benchmark.peers.torchvision_part import provide_torchvision
from tests.benchmark.peers.wire import CORES, answer, measured

if TYPE_CHECKING:
    from facenet_pytorch import MTCNN, InceptionResnetV1

TORCHVISION = provide_torchvision()  # before facenet-pytorch is imported


@cache
def mtcnn(min_face_px: float) -> MTCNN:
    """Return the detector for a smallest face."""
    from facenet_pytorch import MTCNN  # noqa: PLC0415

    return MTCNN(keep_all=True, min_face_size=min_face_px)


@cache
def resnet() -> InceptionResnetV1:
    """Return the network for features; its time does not depend on its weights."""
    from facenet_pytorch import InceptionResnetV1  # noqa: PLC0415

    torch.manual_seed(0)
    return InceptionResnetV1(pretrained=None).eval()


@cache
def pixels(path: str) -> np.ndarray:
    """Return a picture, uint8 (H, W, 3), RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def about() -> dict[str, object]:
    """Say what runs here."""
    packages = {name: version(name) for name in ("facenet-pytorch", "torch", "numpy", "pillow")}
    return {"packages": packages, "suppression": TORCHVISION, "threads": torch.get_num_threads()}


def detect(path: str, min_face_px: float) -> dict[str, object]:
    """Detect in a decoded picture, with landmarks."""
    image = pixels(path)
    found, spent = measured(lambda: mtcnn(min_face_px).detect(image, landmarks=True))
    boxes, _, landmarks = found
    if boxes is None:
        return {**spent, "boxes": [], "landmarks": []}
    return {
        **spent,
        "boxes": np.asarray(boxes, dtype=float).tolist(),
        "landmarks": np.asarray(landmarks, dtype=float).tolist(),
    }


def extract(path: str, min_face_px: float) -> dict[str, object]:
    """Go from the bytes of a file to the features of all faces."""
    encoded = Path(path).read_bytes()

    def work() -> int:
        with Image.open(io.BytesIO(encoded)) as image:
            crops = mtcnn(min_face_px)(image.convert("RGB"))
        if crops is None:
            return 0
        with torch.inference_mode():
            return len(resnet()(crops).numpy())

    faces, spent = measured(work)
    return {**spent, "faces": faces}


def main() -> None:
    """Answer."""
    torch.set_num_threads(CORES)
    cv2.setNumThreads(CORES)
    answer({"about": about, "detect": detect, "extract": extract})


if __name__ == "__main__":
    main()
