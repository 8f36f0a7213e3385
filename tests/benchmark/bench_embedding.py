"""Milliseconds a face of the shipped backbone, and of a reference network under ONNX Runtime.

The reference is any 112x112 ``.onnx`` face network on this disk, by default MobileFaceNet MBF
where the training data's folder holds it; both run in turn, so that the ratio survives a noisy
machine. Writes ``build/bench/embedding.json``, and with ``--record`` also ``speed.json`` beside the
model, for its card; never fails on wall time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.embedding import RtsEmbedder, open_embedder
from ood_face.runtime.precision import has_bfloat16
from tests.benchmark.machine import Figure, machine, publish

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


def speed_record(figures: list[Figure], ms_per_face: float) -> dict[str, object]:
    """Return what the model card says of speed: a table, and the figure its checks judge."""
    about = machine()
    rows = [
        {"what": f.name, "measured": f"{f.value:.2f} {f.unit}", "note": f.note} for f in figures
    ]
    note = f"{about['cpu']}, {about['cores']} cores, Paddle {about['paddlepaddle']}"
    rows.append({"what": "machine", "measured": "", "note": note})
    return {"speed": rows, "ms_per_face_one_core": ms_per_face}


def works_of(precision: Precision, settings: Settings) -> dict[str, Callable[[], object]]:
    """Return what is measured in one number format, by name."""
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (1, 112, 112, 3), np.uint8)
    sixteen = np.repeat(crop, 16, 0)
    one, many = (
        opened(settings, precision, threads) for threads in (1, settings.threads_per_worker)
    )
    return {
        f"{precision}, 1 thread": lambda: one.embed(crop),
        f"{precision}, {settings.threads_per_worker} threads": lambda: many.embed(crop),
        f"{precision}, 1 thread, 16 faces": lambda: one.embed(sixteen),
        f"{precision}, 1 thread, uncertainty of {PASSES} passes": lambda: one.uncertainty(
            crop, PASSES
        ),
    }


def opened(settings: Settings, precision: Precision, threads: int) -> RtsEmbedder:
    """Open the configured model."""
    manifest = Manifest.load(settings.weights_dir)
    model = open_embedder(manifest, settings.model, threads=threads, precision=precision)
    if not isinstance(model, RtsEmbedder):
        message = f"{model.model_id} is no RTS backbone"
        raise TypeError(message)
    return model


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--record", action="store_true", help="write speed.json for the card")
    arguments = parser.parse_args()
    settings = Settings()
    precisions: list[Precision] = ["float32"]
    if has_bfloat16():
        precisions.append("bfloat16")
    works: dict[str, Callable[[], object]] = {}
    for precision in precisions:
        works |= works_of(precision, settings)
    if arguments.reference.is_file():
        works["reference"] = reference_run(arguments.reference)
    else:
        print(f"no reference network at {arguments.reference}: no ratio")
    times = interleaved_ms(works)
    figures = [Figure(name, value, "ms") for name, value in times.items()]
    if "reference" in times:
        note = f"{arguments.reference.name} under ONNX Runtime, 1 thread, same run"
        for precision in precisions:
            ratio = times["reference"] / times[f"{precision}, 1 thread"]
            figures.append(Figure(f"reference / {precision}, 1 thread", ratio, "times", note))
    publish("embedding", "One face through the backbone and its head", figures)
    if arguments.record:
        name = settings.model or Manifest.load(settings.weights_dir).default_model or ""
        record = speed_record(figures, times[f"{precisions[-1]}, 1 thread"])
        path = settings.weights_dir / name / "speed.json"
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
