"""The stages of a picture's way, each alone, and a whole comparison, in Python.

Prints a table and writes ``build/bench/pipeline.json``; never fails on wall time.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from ood_face import open_service
from ood_face.config import Settings
from ood_face.imaging import align, decode
from tests.benchmark.machine import Figure, median_ms, publish
from tests.benchmark.made_pictures import picture

if TYPE_CHECKING:
    from ood_face.service import FaceService
    from ood_face.types import RgbImage


def measure_stages(service: FaceService, repeats: int = 25) -> list[Figure]:
    """Measure each stage alone, on one thread, then a whole comparison."""
    encoded, other = picture(), decode(picture(40))
    image = decode(encoded)
    face = service.detect(image)[0]
    crop: RgbImage = align(image, face.landmarks_px)
    crops = np.stack([crop])
    stages = [
        ("decode 640x480 JPEG", lambda: decode(encoded)),
        ("detect", lambda: service.detect(image)),
        ("align", lambda: align(image, face.landmarks_px)),
        ("embed one face", lambda: service.embed_crops(crops)),
        ("compare, whole", lambda: service.compare(decode(encoded), other)),
    ]
    return [
        Figure(name, median_ms(work, repeats), "ms", f"median of {repeats}")
        for name, work in stages
    ]


def measure_throughput(service: FaceService, pictures: int = 60) -> list[Figure]:
    """Measure whole extractions per second, asked from one and from two threads."""
    image = decode(picture())
    figures = []
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(service.extract, [image] * 4))
            began = time.perf_counter()
            list(pool.map(service.extract, [image] * pictures))
            rate = pictures / (time.perf_counter() - began)
        name = f"extract from {threads} thread{'s' * (threads > 1)}"
        figures.append(Figure(name, rate, "pictures/s", f"{pictures} pictures"))
    return figures


def main() -> None:
    """Measure and publish."""
    service = open_service(Settings())
    figures = measure_stages(service)
    figures += measure_throughput(service)
    publish("pipeline", "Pipeline, 640x480 pictures with one face", figures)


if __name__ == "__main__":
    main()
