"""Galleries in Milvus against galleries in SQLite: the same data, the same calls, in one run.

Milvus is Milvus Lite in this process: what it takes is what the calls and the extra writes take,
not the network and not a cluster's index. Prints a table and writes ``build/bench/milvus.json``;
never fails on wall time.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.copying import copy_gallery
from ood_face.matching.milvus import MilvusGalleryStore
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import GalleryInfo, NewTemplate, Profile
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.ports import Gallery, GalleryStore

SUBJECTS = (500, 5_000)
REPEATS = 60
PLACES = 10  # templates a search for two subjects of five asks for


def new_template(rng: np.random.Generator) -> NewTemplate:
    """Return a random template."""
    feature = rng.normal(size=512)
    return NewTemplate(feature / np.linalg.norm(feature), 0.8, "bench-1", "0" * 64)


def milliseconds(work: Callable[[int], object]) -> tuple[float, float]:
    """Return p50 and p95 of the duration of ``work``."""
    work(-1)
    durations = []
    for number in range(REPEATS):
        began = time.perf_counter()
        work(number)
        durations.append(1000 * (time.perf_counter() - began))
    p50, p95 = np.percentile(durations, [50, 95])
    return float(p50), float(p95)


def measure(name: str, gallery: Gallery, figures: list[Figure]) -> None:
    """Append what enrolment, search, reading and deletion take."""
    rng = np.random.default_rng(1)
    size = f"{name}, {gallery.counts().subjects:,} subjects"

    def enrol(number: int) -> None:
        gallery.create_subject(f"new{number}", Profile(), [new_template(rng)])

    sought = gallery.enrolled([f"s{5 * number}" for number in range(REPEATS + 1)])

    def find(number: int) -> None:
        (hits,) = gallery.search(sought[number].features, PLACES)
        found = gallery.enrolled([hit.subject_id for hit in hits[:2]])
        assert found[0].subject == sought[number].subject

    def delete(number: int) -> None:
        gallery.delete_subject(f"new{number}")

    for what, work in (
        ("enrol", enrol),
        ("search, and read two subjects", find),
        ("delete", delete),
    ):
        p50, p95 = milliseconds(work)
        figures.append(Figure(f"{size}: {what}, p50", p50, "ms", f"p95 {p95:.1f}"))


def main() -> None:
    """Measure and publish."""
    figures: list[Figure] = []
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        stores: dict[str, GalleryStore] = {
            "SQLite": SqliteGalleryStore(Path(name) / "sqlite"),
            "Milvus Lite": MilvusGalleryStore(str(Path(name) / "milvus.db")),
        }
        for count in SUBJECTS:
            info = GalleryInfo(f"g{count}", "bench-1", "default", 5, False, datetime.now(UTC), 0)
            source = stores["SQLite"].create(info)
            for number in range(count):
                source.create_subject(f"s{number}", Profile(), [new_template(rng)])
            began = time.perf_counter()
            copy_gallery(source, stores["Milvus Lite"], info.name)
            seconds = time.perf_counter() - began
            figures.append(Figure(f"copy {count:,} subjects into Milvus Lite", seconds, "s"))
            for kind, store in stores.items():
                measure(kind, store.open(info.name), figures)
        for store in stores.values():
            store.close()
    publish("milvus", "galleries in SQLite and in Milvus Lite", figures)


if __name__ == "__main__":
    main()
