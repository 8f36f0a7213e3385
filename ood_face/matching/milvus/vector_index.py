"""The indexes that a Milvus can search templates with."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["VectorIndex", "index_params", "search_params"]

# more links than usual, since a missed face costs more here than memory does
_HNSW = {"M": 32, "efConstruction": 360}
# so many candidates are looked at, and so many for each template that is asked for
_MIN_EF = 256
_EF_PER_HIT = 4


class VectorIndex(StrEnum):
    """How Milvus searches; see its documentation of indexes. ``FLAT`` compares with everything."""

    FLAT = "FLAT"
    HNSW = "HNSW"
    AUTOINDEX = "AUTOINDEX"


def index_params(index: VectorIndex) -> dict[str, object]:
    """Return what Milvus makes the index of."""
    params = _HNSW if index is VectorIndex.HNSW else {}
    return {"index_type": index.value, "metric_type": "COSINE", "params": params}


def search_params(index: VectorIndex, limit: int) -> dict[str, int]:
    """Return how thoroughly to search for so many templates."""
    return {"ef": max(_MIN_EF, limit * _EF_PER_HIT)} if index is VectorIndex.HNSW else {}
