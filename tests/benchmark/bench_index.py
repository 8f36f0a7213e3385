"""The index of a gallery at 10k and 100k templates, and with ``--million`` at 1M: flat, compressed.

Each size is built from a SQLite file like the store's, which also gives the features that a
compressed search is put in order by. Building and loading are measured in processes of their own,
so that what is resident is the index alone; the searches of both kinds take turns in one process.
Writes ``build/bench/index.json``; never fails on wall time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from ood_face.matching.index import GalleryIndex
from ood_face.matching.sqlite import vectors
from ood_face.matching.sqlite.schema import PAGE_SIZE
from ood_face.storage import Database
from tests.benchmark.face_like import POPULATIONS, TEMPLATES, FaceLike
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIZES = (10_000, 100_000)
MILLION = 1_000_000
KINDS = ("flat", "compressed")
PROBES = 2000  # of people who are enrolled, and as many of people who are not
TIMED = 200
CHANGES = 20
CLIENTS = (1, 8, 32)
OWNER = "benchmark"
TABLE = "CREATE TABLE features (template INTEGER PRIMARY KEY, feature BLOB NOT NULL)"
MIB = 2**20


class Truth:
    """The features in a SQLite file; ids are 1, 2, 3..."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = Database(
            folder / "truth.sqlite3", (TABLE,), synchronous="NORMAL", page_size=PAGE_SIZE
        )

    def fill(self, faces: FaceLike, count: int) -> None:
        """Write templates, and beside the file the probes."""
        people, first = [], 1
        for someone, templates in faces.gallery(count):
            people.append(someone)
            rows = [(first + i, row.tobytes()) for i, row in enumerate(templates)]
            with self._database.writing() as connection:
                connection.executemany("INSERT INTO features VALUES (?, ?)", rows)
            first += len(rows)
        rng = np.random.default_rng(2)
        # of the people that are in the smallest gallery, too
        known = rng.choice(np.concatenate(people)[: SIZES[0] // TEMPLATES], PROBES)
        strangers = faces.people(PROBES, rng)
        probes = np.concatenate([faces.templates(known, rng), faces.templates(strangers, rng)])
        np.save(self.folder / "probes.npy", probes)

    def probes(self) -> NDArray[np.float32]:
        """Return probes: first of the enrolled, then as many of strangers."""
        found: NDArray[np.float32] = np.load(self.folder / "probes.npy")
        return found

    def fetch(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return features by id."""
        with self._database.reading() as connection:
            return vectors.features(connection, ids)

    def chunks(self, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Give the first ``count`` ids and features."""
        for start in range(1, count + 1, 4096):
            ids = np.arange(start, min(start + 4096, count + 1))
            yield ids, self.fetch(ids)

    def path(self, count: int, kind: str) -> Path:
        """Return where the saved index is."""
        return self.folder / f"{count}.{kind}"


def limit_of(count: int, kind: str) -> int:
    """Return the ``compress_above`` that makes an index of this size be of this kind."""
    return 10 * MILLION if kind == "flat" else min(100_000, count // 2)


def build(truth: Truth, count: int, kind: str) -> dict[str, float]:
    """Build, change and save an index."""
    took: dict[str, float] = {}
    began = time.perf_counter()
    index = GalleryIndex.build(truth.chunks(count), truth.fetch, limit_of(count, kind))
    took["build s"] = time.perf_counter() - began
    began = time.perf_counter()
    index.save(truth.path(count, kind), OWNER)
    took["save s"] = time.perf_counter() - began
    took["file MiB"] = truth.path(count, kind).stat().st_size / MIB
    adding, removing = [], []
    for probe, feature in enumerate(truth.probes()[:CHANGES]):
        # a new one comes, one from the middle goes
        new, old = np.array([count + 1 + probe]), np.array([count // 2 + probe])
        began = time.perf_counter()
        index.add(new, feature[None])
        added = time.perf_counter()
        index.remove(old)
        adding.append(added - began)
        removing.append(time.perf_counter() - added)
    took["add one, ms"] = 1000 * float(np.median(adding))
    took["remove one, ms"] = 1000 * float(np.median(removing))
    return took


def load(truth: Truth, count: int, kind: str) -> dict[str, float]:
    """Load an index and say what it weighs."""
    process = psutil.Process()
    GalleryIndex(truth.fetch).search(truth.probes()[:1], 1)  # what the libraries take once
    before = process.memory_info().rss
    began = time.perf_counter()
    index = GalleryIndex.load(truth.path(count, kind), OWNER, truth.fetch, limit_of(count, kind))
    took = {"load s": time.perf_counter() - began}
    index.search(truth.probes()[:1], 10)
    took["resident MiB"] = (process.memory_info().rss - before) / MIB
    return took


def search(truth: Truth, count: int, _: str) -> dict[str, float]:
    """Time the searches of both kinds in turn, and compare what they find."""
    flat, compressed = indexes = [
        GalleryIndex.load(truth.path(count, kind), OWNER, truth.fetch, limit_of(count, kind))
        for kind in KINDS
    ]
    probes = truth.probes()
    took: dict[str, float] = {}
    seconds: list[list[float]] = [[], []]
    for probe in np.random.default_rng(3).choice(len(probes), TIMED):
        for index, durations in zip(indexes, seconds, strict=True):
            began = time.perf_counter()
            index.search(probes[probe : probe + 1], 10)
            durations.append(time.perf_counter() - began)
    for kind, durations in zip(KINDS, seconds, strict=True):
        took[f"{kind} p50 ms"] = 1000 * float(np.quantile(durations, 0.5))
        took[f"{kind} p95 ms"] = 1000 * float(np.quantile(durations, 0.95))
    took["flat / compressed, p50 times"] = took["flat p50 ms"] / took["compressed p50 ms"]
    for kind, index in zip(KINDS, indexes, strict=True):
        for clients in CLIENTS:
            took[f"{kind}, {clients} threads, searches/s"] = throughput(index, probes, clients)
    same = flat.search(probes, 1)[1] == compressed.search(probes, 1)[1]
    took["same first, enrolled %"] = 100 * float(same[:PROBES].mean())
    took["same first, strangers %"] = 100 * float(same[PROBES:].mean())
    return took


def throughput(index: GalleryIndex, probes: NDArray[np.float32], clients: int) -> float:
    """Return searches a second of several threads that ask for one probe after the other."""
    stop = time.perf_counter() + 2
    counts = [0] * clients

    def ask(client: int) -> None:
        while time.perf_counter() < stop:
            probe = (client * 61 + counts[client]) % len(probes)
            index.search(probes[probe : probe + 1], 10)
            counts[client] += 1

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


STEPS = {"build": build, "load": load, "search": search}


def in_process(step: str, folder: Path, count: int, kind: str = "") -> dict[str, float]:
    """Run one step in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--step", step, str(folder), str(count), kind]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(answer)
    return result


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--million", action="store_true", help="1M too: minutes, 6 GB of disk")
    parser.add_argument("--population", choices=POPULATIONS, default="alike")
    parser.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step, folder, count, kind = arguments.step
        print(json.dumps(STEPS[step](Truth(Path(folder)), int(count), kind)))
        return
    sizes = (*SIZES, MILLION) if arguments.million else SIZES
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        Truth(Path(folder)).fill(FaceLike(POPULATIONS[arguments.population]), sizes[-1])
        for count in sizes:
            for kind in KINDS:
                took = in_process("build", Path(folder), count, kind)
                took |= in_process("load", Path(folder), count, kind)
                figures += [figure(f"{count} {kind}: {name}", took[name]) for name in took]
            took = in_process("search", Path(folder), count)
            figures += [figure(f"{count}: {name}", took[name]) for name in took]
    name = "index" if arguments.population == "alike" else f"index-{arguments.population}"
    publish(name, f"A gallery's index, people {arguments.population}", figures)


def figure(name: str, value: float) -> Figure:
    """Return a figure; its unit is the end of its name."""
    title, _, unit = name.rpartition(" ")
    return Figure(title, value, unit)


if __name__ == "__main__":
    main()
