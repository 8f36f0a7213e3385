"""Milliseconds of each network on Paddle's executor and on oneDNN itself, asked in turn.

One thread, processor time. Writes ``build/bench/engines.json``.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ood_face.artifacts import Manifest, verified_path
from ood_face.config import Settings
from ood_face.runtime import open_session
from ood_face.runtime.precision import has_bfloat16
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.runtime import Engine, Precision

ROUNDS, RUNS = 9, 20
ENGINES: tuple[Engine, ...] = ("paddle", "onednn")
# as the product asks them most
SHAPES = {
    "mtcnn/pnet": [(1, 3, 192, 192)],
    "mtcnn/rnet": [(4, 3, 24, 24), (64, 3, 24, 24)],
    "mtcnn/onet": [(1, 3, 48, 48), (16, 3, 48, 48)],
    "backbone": [(1, 3, 112, 112), (8, 3, 112, 112)],
}


def work(program: str, shape: tuple[int, ...], engine: Engine, precision: Precision) -> Callable:
    """Return one run of a network on noise."""
    manifest = Manifest.load(Settings().weights_dir)
    name, _, network = program.rpartition("/")
    entry = manifest.model(name or manifest.default_model or "")
    paths = (verified_path(entry, f"{entry.name}/{network}.{end}") for end in ("json", "pdiparams"))
    session = open_session(*paths, workers=1, threads=1, engine=engine, precision=precision)
    noise = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return lambda: session.run({"image": noise})


def cpu_ms(doing: Callable[[], object]) -> float:
    """Return the mean processor time of a few runs on end."""
    began = time.process_time()
    for _ in range(RUNS):
        doing()
    return 1000 * (time.process_time() - began) / RUNS


def main() -> int:
    """Measure and publish."""
    precisions: list[Precision] = ["float32", "bfloat16"] if has_bfloat16() else ["float32"]
    figures = []
    for (program, shapes), precision in product(SHAPES.items(), precisions):
        for shape in shapes:
            works = {engine: work(program, shape, engine, precision) for engine in ENGINES}
            for doing in works.values():
                cpu_ms(doing)
            rounds = [{name: cpu_ms(doing) for name, doing in works.items()} for _ in range(ROUNDS)]
            ms = {name: statistics.median(each[name] for each in rounds) for name in ENGINES}
            label = f"{program} x{shape[0]}, {precision}"
            note = f"paddle {ms['paddle']:.3f} ms, onednn {ms['onednn']:.3f} ms"
            figures.append(Figure(label, ms["paddle"] / ms["onednn"], "x", note))
    publish("engines", "Networks on oneDNN itself against Paddle's executor, one thread", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
