"""The review queue: what a verdict pays for being offered to it, and how fast it is written.

Measured while the writing thread is at work, in bursts that the queue's memory can take.

``python -m tests.benchmark.bench_review [--offers N]``
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.imaging import align_face
from ood_face.matching import load_scenarios
from ood_face.monitoring import SqliteReviewQueue
from ood_face.service import Flagger
from ood_face.types import Comparison, DetectedFace, FaceTemplate, Reason, Verdict
from tests.benchmark.machine import Figure, publish
from tests.fakes.templates import feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

BURST = 200


def comparison() -> tuple[Comparison, NDArray[np.uint8]]:
    """Return a doubtful comparison and the picture of its two faces, 640x480."""
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    marks = np.array([[250, 200], [330, 200], [290, 250], [260, 290], [320, 290]], np.float32)
    face = DetectedFace(np.array([220, 120, 360, 330], np.float32), 0.99, marks)
    one, other = (FaceTemplate(feature(i), 0.6, "bench@1", face) for i in (1, 2))
    reasons = (Reason("similarity.between", {"similarity": 0.4, "low": 0.35, "high": 0.45}),)
    scenario = load_scenarios()["default"]
    return Comparison(0.4, one, other, Verdict.REVIEW, reasons, scenario), image


def measure(offers: int, *, keep_crops: bool = False, locked: bool = False) -> list[float]:
    """Return the microseconds of each offer."""
    found, image = comparison()

    def crops() -> tuple[NDArray[np.uint8], ...]:
        return tuple(
            align_face(image, template.face).crop
            for template in (found.template_a, found.template_b)
        )

    took = []
    with tempfile.TemporaryDirectory() as folder:
        queue = SqliteReviewQueue(
            Path(folder), most_items=10_000, keep_days=90, keep_crops=keep_crops
        )
        flagger = Flagger(queue, 0.5)
        with closing(queue), closing(sqlite3.connect(Path(folder) / "review.sqlite")) as other:
            other.isolation_level = None
            if locked:
                other.execute("BEGIN IMMEDIATE")
            for number in range(offers):
                began = time.perf_counter()
                flagger.compared(found, crops)
                took.append(1e6 * (time.perf_counter() - began))
                if number % BURST == BURST - 1 and not locked:
                    queue.flush()
            if locked:
                other.execute("ROLLBACK")
    return took


def clear(offers: int) -> list[float]:
    """Return the microseconds that a verdict pays which is not doubtful."""
    found, _ = comparison()
    sure = replace(found, verdict=Verdict.SAME)
    with tempfile.TemporaryDirectory() as folder:
        queue = SqliteReviewQueue(Path(folder), most_items=10, keep_days=1)
        flagger = Flagger(queue, 0.5)
        took = []
        with closing(queue):
            for _ in range(offers):
                began = time.perf_counter()
                flagger.compared(sure, tuple)
                took.append(1e6 * (time.perf_counter() - began))
    return took


def write_rate(offers: int) -> float:
    """Return how many items a second are written."""
    found, _ = comparison()
    with tempfile.TemporaryDirectory() as folder:
        queue = SqliteReviewQueue(Path(folder), most_items=10_000, keep_days=90)
        flagger = Flagger(queue, 0.5)
        with closing(queue):
            began = time.perf_counter()
            for number in range(offers):
                flagger.compared(found, tuple)
                if number % BURST == BURST - 1:
                    queue.flush()
            queue.flush()
            return offers / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--offers", type=int, default=2000)
    offers = parser.parse_args().offers
    rows = {
        "a clear verdict": clear(offers),
        "offered": measure(offers),
        "offered, file locked": measure(BURST, locked=True),
        "offered with two faces": measure(offers, keep_crops=True),
    }
    figures = []
    for name, took in rows.items():
        p99 = float(np.percentile(took, 99))
        figures.append(Figure(name, statistics.median(took), "us", f"median of {len(took)}"))
        figures.append(Figure(f"{name}, 99 %", p99, "us"))
    figures.append(Figure("written", write_rate(offers), "items/s"))
    publish("review", "Review queue, what a verdict pays", figures)


if __name__ == "__main__":
    main()
