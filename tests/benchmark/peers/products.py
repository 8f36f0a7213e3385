"""Matrix products: what the machine's processor can do at best.

``PYTHON -m tests.benchmark.peers.products CORES``, asked by a player. NumPy brings OpenBLAS, torch
MKL for float32 and oneDNN for bfloat16.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from tests.benchmark.peers.wire import CORES, answer, measured

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 5
KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@cache
def product(library: str, precision: str, side: int) -> Callable[[], object]:
    """Return what multiplies two square matrices."""
    a, b = np.random.default_rng(0).random((2, side, side), dtype=np.float32)
    if library == "numpy":
        out = np.empty_like(a)
        return lambda: np.matmul(a, b, out=out)
    kind = KINDS[precision]
    left, right = (torch.from_numpy(each).to(kind) for each in (a, b))
    result = torch.empty((side, side), dtype=kind)
    return lambda: torch.matmul(left, right, out=result)


def multiply(library: str, precision: str, side: int) -> dict[str, object]:
    """Multiply a few times on end; ``gflop_s`` is the fastest's, in wall time."""
    work = product(library, precision, side)
    ms = min(measured(work)[1]["wall_ms"] for _ in range(BURST))
    return {"wall_ms": ms, "gflop_s": 2 * side**3 / ms / 1e6}


if __name__ == "__main__":
    torch.set_num_threads(CORES)
    answer({"multiply": multiply})
