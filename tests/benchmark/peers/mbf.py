"""An ONNX face network under ONNX Runtime: what it takes for aligned faces.

``PYTHON -m tests.benchmark.peers.mbf CORES``, asked by a player.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import numpy as np
import onnxruntime

from tests.benchmark.peers.wire import CORES, answer, measured


@cache
def session(network: str) -> onnxruntime.InferenceSession:
    """Open a network on as many threads as there are cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


@cache
def read(crops: str) -> np.ndarray:
    """Return aligned faces, uint8 (N, 112, 112, 3), RGB."""
    return np.load(crops)


def about() -> dict[str, object]:
    """Say what runs here."""
    packages = {name: version(name) for name in ("onnxruntime", "numpy")}
    return {"packages": packages, "threads": CORES}


def embed(network: str, crops: str) -> dict[str, object]:
    """Go from the aligned faces in a ``.npy`` file, all of a picture at once, to features."""
    faces, running = read(crops), session(network)
    name = running.get_inputs()[0].name

    def work() -> np.ndarray:
        pixels = (faces.astype(np.float32) - 127.5) / 127.5
        (features,) = running.run(None, {name: np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))})
        return features / np.linalg.norm(features, axis=1, keepdims=True)

    if not len(faces):
        return {"cpu_ms": 0.0, "wall_ms": 0.0, "faces": 0}
    features, spent = measured(work)
    return {**spent, "faces": len(features)}


if __name__ == "__main__":
    answer({"about": about, "embed": embed})
