"""Measure how far the numbers inside a released backbone reach, so that it can run in int8.

``python -m ood_face.training.quantize --weights-dir weights --name NAME --faces-dir FOLDER`` enters
the ranges into the manifest. Of each step's results on some training faces, the range is taken that
rounding to integers and cutting off beyond it changes least (mean square).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ood_face.artifacts import RANGES_KEY, Manifest, ModelEntry, verified_path, write_entry
from ood_face.errors import InputError
from ood_face.evaluation.faces import load_faces
from ood_face.imaging.preprocess import preprocess
from ood_face.runtime import Convolution, OneDnnSession, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ood_face.runtime.graph import Graph

__all__ = ["add_ranges", "best_range", "main", "measure_ranges"]

logger = logging.getLogger(__name__)
FACES = 512
SEED = 8
_BATCH = 32
# of each step and batch, so many numbers are looked at
_SAMPLES = 100_000
# ranges that are tried, as shares of the largest magnitude
_SHARES = np.linspace(0.2, 1.0, 33)


def measure_ranges(graph: Graph, images: NDArray[np.float32]) -> list[float]:
    """Return the range of what each step gives, in order.

    Parameters
    ----------
    graph : of convolutions alone
    images : float32 array of shape (N, 3, H, W), as the network takes them
    """
    seen: list[list[NDArray[np.float32]]] = [[] for _ in graph.steps]
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        for kept, given in zip(seen, _results(graph, batch), strict=True):
            kept.append(given.reshape(-1)[:: max(1, given.size // _SAMPLES)].copy())
    return [
        best_range(np.concatenate(kept), 255 if step.relu else 127)
        for step, kept in zip(_convolutions(graph), seen, strict=True)
    ]


def best_range(values: NDArray[np.float32], largest: int) -> float:
    """Return the range that integers up to ``largest`` are best spread over."""
    top = float(np.abs(values).max())
    if top == 0:  # a step that says nothing
        return 1.0
    errors = []
    for share in _SHARES:
        scale = np.float32(share * top / largest)
        rounded = np.clip(np.rint(values / scale), -largest, largest) * scale
        errors.append(float(np.mean(np.square(rounded - values, dtype=np.float64))))
    return float(_SHARES[int(np.argmin(errors))] * top)


def add_ranges(weights_dir: Path, name: str, faces_dir: Path) -> ModelEntry:
    """Measure a model's ranges on training faces; returns its new entry in the manifest.

    Raises
    ------
    InputError
        The folder has no training faces.
    """
    shards = sorted(faces_dir.glob("train-*.tar"))
    if not shards:
        raise InputError("training.no_faces", "{folder} has no train-*.tar", folder=str(faces_dir))
    manifest = Manifest.load(weights_dir)
    entry = manifest.model(name)
    files = [verified_path(entry, f"{name}/backbone.{end}") for end in ("json", "pdiparams")]
    session = open_session(*files, workers=1, threads=1, engine="onednn")
    if not isinstance(session, OneDnnSession):  # pragma: no cover - it was asked for
        raise TypeError
    faces = load_faces(shards[:1], Path("build") / "cache", identity_depth=1)
    chosen = np.random.default_rng(SEED).permutation(len(faces.crops))[:FACES]
    ranges = measure_ranges(session.graph, preprocess(np.asarray(faces.crops[np.sort(chosen)])))
    keys = {
        **entry.extra,
        "kind": entry.kind,
        "version": entry.version,
        "license": entry.license,
        "source": entry.source,
        RANGES_KEY: [round(top, 4) for top in ranges],
    }
    logger.info("%s: %s", name, keys[RANGES_KEY])
    return write_entry(weights_dir, name, entry.files, keys)


def _convolutions(graph: Graph) -> list[Convolution]:
    return [step for step in graph.steps if isinstance(step, Convolution)]


@torch.no_grad()
def _results(graph: Graph, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    values = {graph.source: torch.from_numpy(images)}
    for step in _convolutions(graph):
        weight, bias = (torch.from_numpy(np.array(of)) for of in (step.weight, step.bias))
        given = torch.nn.functional.conv2d(
            values[step.source], weight, bias, step.strides, step.padding
        )
        if step.residual is not None:
            given += values[step.residual]
        if step.relu:
            given.relu_()
        values[step.target] = given
        yield given.numpy()


def main(argv: list[str] | None = None) -> None:
    """Run ``python -m ood_face.training.quantize``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--weights-dir", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the model")
    parser.add_argument("--faces-dir", type=Path, required=True, help="folder with train-*.tar")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    add_ranges(options.weights_dir, options.name, options.faces_dir)


if __name__ == "__main__":
    main()
