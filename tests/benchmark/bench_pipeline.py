"""The whole way of a picture: start-up, memory, stages, a comparison, throughput.

Prints a table and writes ``build/bench/pipeline.json``; never fails on wall time.
"""

from __future__ import annotations

import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import psutil
from PIL import Image
from skimage import data

from ood_face import open_service
from ood_face.config import Settings
from ood_face.imaging import align, decode
from tests.benchmark.machine import Figure, median_ms, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.service import FaceService
    from ood_face.types import RgbImage

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 300.0  # on a busy machine; nothing is learned from waiting longer
STOP_LIMIT_S = 60.0


def picture(shift_px: int = 0) -> bytes:
    """Return a 640x480 JPEG with one face: NASA's portrait of an astronaut, moved aside."""
    portrait = Image.fromarray(data.astronaut()).crop((0, 0, 512, 480))
    canvas = Image.new("RGB", (640, 480), (96, 112, 128))
    canvas.paste(portrait, (64 + shift_px, 0))
    encoded = io.BytesIO()
    canvas.save(encoded, "JPEG", quality=92)
    return encoded.getvalue()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(data_dir: Path | None = None) -> Iterator[tuple[str, psutil.Process, float]]:
    """Start the real server; give its address, process and seconds until ready.

    Parameters
    ----------
    data_dir : with galleries; None: a new, empty one
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {
            "OOD_FACE_HOST": "127.0.0.1",
            "OOD_FACE_PORT": str(port),
            "OOD_FACE_DATA_DIR": str(empty if data_dir is None else data_dir),
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "webui"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            while not is_ready(address):
                if process.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
                    log.seek(0)
                    raise RuntimeError(log.read().decode(errors="replace"))
                time.sleep(0.05)
            yield address, psutil.Process(process.pid), time.perf_counter() - began
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; end it if it does not."""
    process.terminate()
    try:
        process.wait(timeout=STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_ready(address: str) -> bool:
    """Ask ``/readyz``."""
    try:
        return httpx.get(f"{address}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def resident_mb(process: psutil.Process) -> float:
    """Return the resident memory of a process and its children in MB."""
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / 1e6


def measure_server(starts: int = 3, requests: int = 15) -> list[Figure]:
    """Measure start-up, memory, and a comparison as a caller sees it."""
    seconds, idle, worked, request_ms = [], [], [], []
    encoded = (picture(), picture(40))
    for _ in range(starts):
        with server() as (address, process, to_ready), httpx.Client(timeout=60) as client:
            seconds.append(to_ready)
            idle.append(resident_mb(process))

            def compare(client: httpx.Client = client, address: str = address) -> None:
                files = {
                    name: (f"{name}.jpg", content, "image/jpeg")
                    for name, content in zip(("image_a", "image_b"), encoded, strict=True)
                }
                client.post(f"{address}/v1/compare", files=files).raise_for_status()

            request_ms.append(median_ms(compare, requests))
            worked.append(resident_mb(process))
    return [
        Figure("start to ready", statistics.median(seconds), "s", f"median of {starts}"),
        Figure("resident when ready", statistics.median(idle), "MB"),
        Figure("resident after comparing", statistics.median(worked), "MB"),
        Figure("POST /v1/compare, 640x480", statistics.median(request_ms), "ms"),
    ]


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
    figures = measure_server()
    service = open_service(Settings())
    figures += measure_stages(service)
    figures += measure_throughput(service)
    publish("pipeline", "Pipeline, 640x480 pictures with one face", figures)


if __name__ == "__main__":
    main()
