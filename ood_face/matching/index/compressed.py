"""A code of one bit a dimension for each feature, in cells of which only the nearest are read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import faiss
import numpy as np

from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["CompressedVectors"]

_CELLS = 1024
_CELLS_READ = 128
_SAMPLES_PER_CELL = 64
_SHORTLIST = 300


class CompressedVectors:
    """FAISS's RaBitQ codes in an inverted file.

    Parameters
    ----------
    inverted_file : a trained ``IndexIVFRaBitQ``
    """

    kind = "ivf-rabitq"

    def __init__(self, inverted_file: Any) -> None:  # noqa: ANN401 - FAISS has no types
        self._index = inverted_file
        self._index.nprobe = min(_CELLS_READ, inverted_file.nlist)
        self._index.qb = 6

    @classmethod
    def train(cls, features: NDArray[np.float32], seed: int = 0) -> CompressedVectors:
        """Return an empty index whose cells are learned from (a sample of) these features."""
        cells = max(1, min(_CELLS, len(features) // 39))
        chosen = np.random.default_rng(seed).permutation(len(features))
        sample = np.ascontiguousarray(features[np.sort(chosen[: _SAMPLES_PER_CELL * cells])])
        with _all_cores():
            means = faiss.Kmeans(FEATURE_DIM, cells, niter=8, spherical=True, seed=seed)
            means.train(sample)
            quantizer: Any = faiss.IndexFlatIP(FEATURE_DIM)
            quantizer.add(means.centroids)
            index = faiss.IndexIVFRaBitQ(quantizer, FEATURE_DIM, cells, faiss.METRIC_INNER_PRODUCT)
            index.train(sample)
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids, in no order."""
        lists = [self._cell(number)[0] for number in range(self._index.nlist)]
        return np.concatenate(lists)

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Encode features; the ids are known to be new."""
        with _all_cores():
            self._index.add_with_ids(np.ascontiguousarray(features), ids)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Overwrite the codes of these ids by the last ones of their cells, and those by zeros."""
        cells = self._index.invlists
        blank = np.zeros(self._index.code_size, np.uint8)
        for number in range(self._index.nlist):
            there, codes = self._cell(number)
            for row in np.flatnonzero(np.isin(there, ids))[::-1].tolist():
                last = cells.list_size(number) - 1
                moved = codes[last].copy()
                cells.update_entry(number, row, int(there[last]), faiss.swig_ptr(moved))
                cells.update_entry(number, last, 0, faiss.swig_ptr(blank))
                cells.resize(number, last)
                self._index.ntotal -= 1

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return a shortlist for each probe; similarities are estimates."""
        with _one_core():
            found: Found = self._index.search(features, max(count, _SHORTLIST))
        return found

    def write(self, stream: BinaryIO) -> None:
        """Write FAISS's own format."""
        stream.write(faiss.serialize_index(self._index).data)

    @classmethod
    def read(cls, stream: BinaryIO) -> CompressedVectors:
        """Read what :meth:`write` has written.

        Raises
        ------
        ValueError
            FAISS cannot read it.
        """
        try:
            index = faiss.deserialize_index(np.frombuffer(stream.read(), np.uint8))
        except RuntimeError as exc:
            message = "FAISS cannot read it"
            raise ValueError(message) from exc
        return cls(index)

    def _cell(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        # views of the ids and the codes of one cell
        cells, code_size = self._index.invlists, self._index.code_size
        size = cells.list_size(number)
        if not size:
            return np.zeros(0, np.int64), np.zeros((0, code_size), np.uint8)
        ids = faiss.rev_swig_ptr(cells.get_ids(number), size)
        codes = faiss.rev_swig_ptr(cells.get_codes(number), size * code_size)
        return ids, codes.reshape(size, code_size)


@contextmanager
def _all_cores() -> Iterator[None]:
    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)


@contextmanager
def _one_core() -> Iterator[None]:
    # OpenMP counts per calling thread: with more than one, each thread that searches would get
    # helpers of its own, which stay
    faiss.omp_set_num_threads(1)
    yield
