"""What the backbone's number format and engine do to accuracy: CFP, ten folds.

Needs the evaluation's data (``--data``, with ``faces/cfp-00.tar`` and the lists of pairs); without
it nothing is measured, and that is said. Writes ``build/bench/precision.json``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from ood_face.artifacts import Manifest
from ood_face.config import Settings
from ood_face.embedding import open_embedder
from ood_face.evaluation.datasets import load_standard
from ood_face.evaluation.verification import fold_accuracy
from ood_face.runtime.precision import has_bfloat16, has_int8
from tests.benchmark.machine import Figure, publish

BATCH = 16
CASES = (
    ("float32", "paddle"),
    ("float32", "onednn"),
    ("bfloat16", "onednn"),
    ("int8", "onednn"),
)
POSSIBLE = {"float32": lambda: True, "bfloat16": has_bfloat16, "int8": has_int8}


def main(argv: list[str] | None = None) -> int:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared"))
    options = parser.parse_args(argv)
    if not (options.data / "faces" / "cfp-00.tar").is_file():
        print(f"no evaluation data at {options.data}: the number formats are not compared")
        return 0
    data = load_standard(options.data, Path("build") / "cache")
    manifest = Manifest.load(Settings().weights_dir)
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    figures = []
    for precision, engine in CASES:
        if not POSSIBLE[precision]():
            continue
        model = open_embedder(manifest, precision=precision, engine=engine)
        images = data.faces.crops
        parts = [
            model.embed(np.asarray(images[start : start + BATCH]))
            for start in range(0, len(images), BATCH)
        ]
        features = np.concatenate([part.features for part in parts])
        scores = np.concatenate([part.ood_scores for part in parts])
        label = f"{precision} on {engine}"
        for name, pairs in data.pairs.items():
            similarity = np.einsum("ij,ij->i", features[pairs.first], features[pairs.second])
            accuracy = fold_accuracy(similarity.astype(np.float64), pairs.same, pairs.fold)
            figures.append(
                Figure(
                    f"{label}: {name}",
                    100 * accuracy.mean,
                    "%",
                    f"{100 * accuracy.mean:.2f} of {accuracy.pairs}",
                )
            )
        found[label] = features, scores
        first, scored = next(iter(found.values()))
        cosine = np.einsum("ij,ij->i", features, first)
        apart = np.abs(scores - scored)
        for what, value in {
            "cosine to the first, mean": cosine.mean(),
            "cosine to the first, lowest": cosine.min(),
            "score apart from the first, mean": apart.mean(),
            "score apart from the first, largest": apart.max(),
        }.items():
            figures.append(Figure(f"{label}: {what}", float(value), "", f"{value:.6f}"))
    publish(
        "precision", f"Accuracy by number format, {len(data.faces.names)} faces of CFP", figures
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
