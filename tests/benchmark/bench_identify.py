"""``:identify`` over HTTP against a gallery of 100,000 templates: rate and latency by clients.

Prints a table and writes ``build/bench/identify.json``; never fails on wall time.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np

from ood_face import open_service
from ood_face.config import Settings
from ood_face.imaging import decode
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.service import FaceService
from ood_face.types import GalleryInfo, NewTemplate, Profile
from tests.benchmark.machine import Figure, publish
from tests.benchmark.made_pictures import picture
from tests.benchmark.served import resident_mb, server

SUBJECTS, TEMPLATES_EACH = 20_000, 5
GALLERY = "everybody"
CLIENTS = (1, 8, 32)
REQUESTS = 320


def populate(folder: Path, faces: FaceService) -> float:
    """Enrol random subjects and the astronaut; return seconds per 1,000 durable enrolments."""
    rng = np.random.default_rng(4)
    store = SqliteGalleryStore(folder)
    try:
        gallery = store.create(
            GalleryInfo(
                GALLERY, faces.model_id, "default", TEMPLATES_EACH, False, datetime.now(UTC), 0
            )
        )
        (template,) = faces.extract(decode(picture()))
        wanted = NewTemplate(template.feature, template.ood_score, faces.model_id, "astronaut")
        gallery.create_subject("astronaut", Profile(name="Astronaut"), [wanted])
        began = time.perf_counter()
        for i in range(SUBJECTS - 1):
            centre = rng.normal(size=512)
            features = centre + 0.7 * rng.normal(size=(TEMPLATES_EACH, 512))
            features /= np.linalg.norm(features, axis=1, keepdims=True)
            templates = [
                NewTemplate(feature, 0.8, faces.model_id, f"{i}-{j}")
                for j, feature in enumerate(features)
            ]
            gallery.create_subject(f"s{i:05d}", Profile(), templates)
        return 1000 * (time.perf_counter() - began) / (SUBJECTS - 1)
    finally:
        store.close()


def identify(address: str, clients: int, encoded: bytes) -> tuple[float, list[float], int]:
    """Return requests per second, latencies in ms, and how many were refused as busy."""

    def one_client(requests: int) -> list[tuple[float, int]]:
        done = []
        with httpx.Client(timeout=120) as client:
            for _ in range(requests):
                began = time.perf_counter()
                answer = client.post(
                    f"{address}/v1/galleries/{GALLERY}:identify",
                    files={"image": ("probe.jpg", encoded, "image/jpeg")},
                )
                done.append((1000 * (time.perf_counter() - began), answer.status_code))
                if answer.status_code == 200:
                    assert answer.json()["candidates"][0]["subject_id"] == "astronaut"
                elif answer.status_code != 503:
                    answer.raise_for_status()
        return done

    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        done = [
            one
            for client in pool.map(one_client, [REQUESTS // clients] * clients)
            for one in client
        ]
        seconds = time.perf_counter() - began
    served = [ms for ms, status in done if status == 200]
    return len(served) / seconds, served, len(done) - len(served)


def main() -> None:
    """Measure and publish."""
    encoded = picture(40)
    with tempfile.TemporaryDirectory() as name:
        seconds = populate(Path(name), open_service(Settings()))
        figures = [Figure("1,000 subjects enrolled, each durable", seconds, "s")]
        with server(Path(name)) as (address, process, to_ready):
            figures.append(Figure("start to ready", to_ready, "s"))
            identify(address, 1, encoded)  # warm
            for clients in CLIENTS:
                rate, ms, refused = identify(address, clients, encoded)
                p50, p95 = np.percentile(ms, [50, 95])
                note = f"{REQUESTS} requests, {refused} refused as busy"
                figures += [
                    Figure(f"{clients} clients, rate", rate, "requests/s", note),
                    Figure(f"{clients} clients, p50", float(p50), "ms"),
                    Figure(f"{clients} clients, p95", float(p95), "ms"),
                ]
            figures.append(Figure("resident afterwards", resident_mb(process), "MB"))
    publish("identify", f"identify, {SUBJECTS * TEMPLATES_EACH:,} templates", figures)


if __name__ == "__main__":
    main()
