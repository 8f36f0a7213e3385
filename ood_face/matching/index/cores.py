"""How many threads FAISS uses."""

from __future__ import annotations

import faiss

__all__ = ["one_core"]


def one_core() -> None:
    """Let FAISS work on one core for the thread that calls this.

    OpenMP counts for each calling thread: with more than one, every thread that searches would get
    helpers of its own, and keep them. Several searches use several cores anyway. NumPy's products
    are avoided in searches for the same reason: its helpers wait for each other in a busy loop, and
    under load that costs ten times the work.
    """
    faiss.omp_set_num_threads(1)
