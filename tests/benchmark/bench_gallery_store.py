"""A gallery in SQLite at 100k subjects, and with ``--million`` at 1M: opening, pages, changes.

Random features, one a subject: what is measured is the store, not the search. Prints a table and
writes ``build/bench/gallery_store.json``; never fails on wall time.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from ood_face.matching.sqlite import SqliteGalleryStore, create_backup, writing
from ood_face.matching.sqlite.layout import DATABASE
from ood_face.matching.sqlite.schema import MIGRATIONS, PAGE_SIZE
from ood_face.storage import Database
from ood_face.types import Profile
from tests.benchmark.machine import Figure, median_ms, publish
from tests.fakes.templates import MODEL_ID, feature, gallery_info, template

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100_000,)
MILLION = 1_000_000
AT_ONCE = 10_000
TIMES = 30
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
CHOICE = random.Random(0)  # noqa: S311 - the same ids each time


def fill(folder: Path, count: int) -> None:
    """Write subjects straight into the tables, many in one transaction."""
    database = Database(folder / DATABASE, MIGRATIONS, "NORMAL", PAGE_SIZE)
    rng = np.random.default_rng(0)
    now = time.time_ns() // 1000
    with database.writing() as connection:
        gallery = writing.tick(connection, now).number
        writing.insert_gallery(connection, replace(gallery_info(), version=gallery))
    for start in range(0, count, AT_ONCE):
        features = rng.normal(size=(AT_ONCE, 512)).astype("<f4")
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        with database.writing() as connection:
            first = writing.tick(connection, now, 2 * AT_ONCE).number
            subjects = range(first, first + AT_ONCE)
            ids = ("".join(CHOICE.choices(ALPHABET, k=12)) + str(start) for _ in subjects)
            connection.executemany(
                "INSERT INTO subjects (subject, gallery, subject_id, name, metadata, created, "
                "version) VALUES (?1, ?2, ?3, 'A Name', '{\"team\":1}', ?4, ?1)",
                ((subject, gallery, one, now) for subject, one in zip(subjects, ids, strict=True)),
            )
            connection.executemany(
                "INSERT INTO templates (template, gallery, subject, model_id, ood_score, "
                "source_hash, created) VALUES (?, ?, ?, ?, 0.7, ?, ?)",
                ((one + AT_ONCE, gallery, one, MODEL_ID, "0" * 64, now) for one in subjects),
            )
            connection.executemany(
                "INSERT INTO features (template, feature) VALUES (?, ?)",
                (
                    (one + AT_ONCE, row.tobytes())
                    for one, row in zip(subjects, features, strict=True)
                ),
            )
    database.scrub()
    database.close()


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure(folder: Path, count: int) -> list[Figure]:
    """Return the figures of one size."""
    fill(folder, count)
    figures: dict[str, tuple[float, str]] = {}
    probe = feature(1)[None]
    began = time.perf_counter()
    store = SqliteGalleryStore(folder)
    gallery = store.open("staff")
    figures["open without an index"] = (1000 * (time.perf_counter() - began), "ms")
    figures["make the index"] = (seconds(lambda: gallery.search(probe, 1)), "s")
    figures["resident then"] = (psutil.Process().memory_info().rss / 2**20, "MiB")
    figures["count"] = (median_ms(gallery.counts, TIMES), "ms")

    def page(limit: int) -> object:
        return gallery.subjects("".join(CHOICE.choices(ALPHABET, k=3)), limit)

    figures["page of 100"] = (median_ms(lambda: page(100), TIMES), "ms")
    figures["page of 1000"] = (median_ms(lambda: page(1000), TIMES), "ms")
    ids = [subject.subject_id for subject in gallery.subjects("k", 1000)]
    figures["10 subjects with features"] = (
        median_ms(lambda: gallery.enrolled(CHOICE.sample(ids, 10)), TIMES),
        "ms",
    )
    # the first one may cross the limit of exact search
    gallery.create_subject("bench", Profile(), [template(0)])
    names = (f"bench-{number}" for number in range(10_000))
    figures["enrol"] = (
        median_ms(lambda: gallery.create_subject(next(names), Profile(), [template(1)]), TIMES),
        "ms",
    )
    gone = iter(CHOICE.sample(ids, 2 * TIMES))
    figures["delete, erased"] = (median_ms(lambda: gallery.delete_subject(next(gone)), TIMES), "ms")
    figures["close, index saved"] = (seconds(store.close), "s")
    store = SqliteGalleryStore(folder)
    figures["open, index loaded"] = (seconds(lambda: store.open("staff").search(probe, 1)), "s")
    figures["check the database"] = (seconds(store.check), "s")
    figures["backup"] = (seconds(lambda: create_backup(folder, folder / "backup.zip")), "s")
    store.close()
    return [Figure(f"{count} subjects: {name}", *figure) for name, figure in figures.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="also 1M subjects (3 GB of disk)")
    sizes = (*SIZES, MILLION) if parser.parse_args().million else SIZES
    figures: list[Figure] = []
    for count in sizes:
        # a process for each size: what is resident is of that size alone
        with (
            tempfile.TemporaryDirectory() as folder,
            ProcessPoolExecutor(1, get_context("spawn")) as pool,
        ):
            figures += pool.submit(measure, Path(folder), count).result()
    publish("gallery_store", "A gallery in SQLite", figures)


if __name__ == "__main__":
    main()
