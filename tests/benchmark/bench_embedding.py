"""Milliseconds a face of the shipped backbone, and of a reference network under ONNX Runtime.

The reference is any 112x112 ``.onnx`` face network on this disk, by default MobileFaceNet MBF
where the training data's folder holds it; both run in turn, so that the ratio survives a noisy
machine. Writes ``build/bench/embedding.json``; never fails on wall time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.embedding import RtsEmbedder, open_embedder
from ood_face.runtime.precision import has_bfloat16
from tests.benchmark.machine import Figure, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from ood_face.runtime import Precision

REFERENCE = Path("../shared/teachers/mobilefacenet_mbf.onnx")
ROUNDS, RUNS = 8, 12
PASSES = 20


def reference_run(path: Path) -> Callable[[], object]:
    """Return one face through the reference network, on one thread of ONNX Runtime."""
    import onnxruntime  # noqa: PLC0415  (a second to import, and not always wanted)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: np.zeros((1, 3, 112, 112), np.float32)}
    return lambda: session.run(None, inputs)


def interleaved_ms(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return each work's best round's median in milliseconds; the rounds take turns."""
    medians: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            durations = []
            for _ in range(RUNS):
                began = time.perf_counter()
                work()
                durations.append(1000 * (time.perf_counter() - began))
            medians[name].append(statistics.median(durations))
    return {name: min(values) for name, values in medians.items()}


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    reference = parser.parse_args().reference
    settings = Settings()
    manifest = Manifest.load(settings.weights_dir)
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (1, 112, 112, 3), np.uint8)
    sixteen = np.repeat(crop, 16, 0)

    def opened(precision: Precision, threads: int) -> RtsEmbedder:
        model = open_embedder(manifest, settings.model, threads=threads, precision=precision)
        if not isinstance(model, RtsEmbedder):
            message = f"{model.model_id} is no RTS backbone"
            raise TypeError(message)
        return model

    precisions: list[Precision] = ["float32"]
    if has_bfloat16():
        precisions.append("bfloat16")
    works: dict[str, Callable[[], object]] = {}
    for precision in precisions:
        one, many = opened(precision, 1), opened(precision, settings.threads_per_worker)
        works[f"{precision}, 1 thread"] = lambda model=one: model.embed(crop)
        works[f"{precision}, {settings.threads_per_worker} threads"] = lambda model=many: (
            model.embed(crop)
        )
        works[f"{precision}, 1 thread, 16 faces"] = lambda model=one: model.embed(sixteen)
        works[f"{precision}, 1 thread, uncertainty of {PASSES} passes"] = lambda model=one: (
            model.uncertainty(crop, PASSES)
        )
    if reference.is_file():
        works["reference"] = reference_run(reference)
    else:
        print(f"no reference network at {reference}: no ratio")
    times = interleaved_ms(works)
    figures = [Figure(name, value, "ms") for name, value in times.items()]
    if "reference" in times:
        for precision in precisions:
            ratio = times["reference"] / times[f"{precision}, 1 thread"]
            note = f"{reference.name} under ONNX Runtime, 1 thread, same run"
            figures.append(Figure(f"reference / {precision}, 1 thread", ratio, "times", note))
    publish("embedding", "One face through the backbone and its head", figures)


if __name__ == "__main__":
    main()
