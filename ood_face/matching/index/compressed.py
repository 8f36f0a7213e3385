"""Many features in little memory: each step looks at fewer of them, and more closely.

A search has three steps, all over codes of the same features:

1. all of them, 40 bytes each: product quantisation of their largest principal components, read by
   FAISS's fast scan, gives the ``_SCANNED`` that seem most similar;
2. these, 256 bytes each: four bits a dimension, give the ``_EXACT`` that seem most similar;
3. these as they are, read from the truth: whoever calls :meth:`CompressedVectors.search` does that.

There are no cells that a probe may miss, and nothing to train again as more come. The README,
"Galleries at size", has what was measured, also of what was not chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from ood_face.matching.index.cores import one_core
from ood_face.matching.index.nibbles import CODE_BYTES, encode, products
from ood_face.matching.index.rows import Rows
from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Found

__all__ = ["FEWEST", "CompressedVectors"]

# 240 principal components hold about 90 % of the variance of faces' features; by threes, in four
# bits. Measured on 1,000,000 features (tests/benchmark/face_like.py, both populations) with 4000
# probes: the most similar one is always among the 2000 that this scan gives
_COMPONENTS = 240
_PARTS = 80
_SCANNED = 2000
# reading 48 features from SQLite takes 0.3 ms, 300 would take 1.5 ms, and far more from a cold disk
_EXACT = 48
# bounds the time that learning takes
_SAMPLE = 65_536
# FAISS wants 39 examples for each of the 16 centres of a part
FEWEST = 39 * 16


class CompressedVectors:
    """Codes of features; the searches of one thread take one core.

    Parameters
    ----------
    index : FAISS's ``IndexPreTransform``: 512 to 240 dimensions, then an ``IndexPQFastScan``
    rows : ids, four-bit codes and their scales, in the order of ``index``; None: none yet
    """

    kind = "pq-fast-scan"

    def __init__(
        self,
        index: Any,  # noqa: ANN401 - FAISS's classes are not typed
        rows: Rows | None = None,
    ) -> None:
        scanned: Any = faiss.downcast_index(index.index)
        self._index = index
        self._scanned = scanned
        self._packer = scanned.get_CodePacker()
        self._rows = _no_rows() if rows is None else rows

    @classmethod
    def train(cls, features: NDArray[np.float32]) -> CompressedVectors:
        """Return empty vectors whose codes are learned from these features, or a sample of them.

        Parameters
        ----------
        features : float32 array of shape (N, 512), N at least ``FEWEST``
        """
        chosen = np.random.default_rng(0).permutation(len(features))[:_SAMPLE]
        sample = features[np.sort(chosen)]
        one_core()
        transform: Any = faiss.LinearTransform(FEATURE_DIM, _COMPONENTS, False)
        faiss.copy_array_to_vector(_principal(sample).ravel(), transform.A)
        transform.is_trained = transform.is_orthonormal = True
        scanned = faiss.IndexPQFastScan(_COMPONENTS, _PARTS, 4, faiss.METRIC_INNER_PRODUCT)
        index = faiss.IndexPreTransform(transform, scanned)
        index.train(sample)
        return cls(index)

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids in the order of the rows; a view."""
        return self._rows.ids

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Encode features; the ids are known to be new."""
        codes, scales = encode(features)
        one_core()
        self._index.add(features)
        self._rows.append(ids, codes, scales)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Overwrite the codes of these ids; ids that are not there are ignored."""
        before, index = len(self), self._scanned
        holes, movers = self._rows.remove(ids)
        for hole, mover in zip(holes.tolist(), movers.tolist(), strict=True):
            self._put(hole, self._packer.unpack_1(*self._place(mover)))
        blank = np.zeros(self._packer.code_size, np.uint8)
        for row in range(len(self), before):
            self._put(row, blank)
        used = -(-len(self) // self._packer.nvec)
        self._index.ntotal = index.ntotal = len(self)
        index.ntotal2 = used * self._packer.nvec
        index.codes.resize(used * self._packer.block_size)

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Return a shortlist for each probe, longer than ``count``; similarities are estimates."""
        wanted = min(max(_SCANNED, 20 * count), len(self))
        kept = min(max(_EXACT, 2 * count), wanted)
        similarities = np.full((len(features), kept), np.nan, np.float32)
        ids = np.full((len(features), kept), -1, np.int64)
        codes, scales = self._rows.column(0), self._rows.column(1)
        for probe, rows in enumerate(self._scan(features, wanted)):
            estimates = products(codes[rows], scales[rows], features[probe])
            best = np.argsort(-estimates)[:kept]
            similarities[probe, : len(best)] = estimates[best]
            ids[probe, : len(best)] = self.ids()[rows[best]]
        return similarities, ids

    def _scan(self, features: NDArray[np.float32], wanted: int) -> list[NDArray[np.int64]]:
        # the rows that seem most similar to each probe
        if wanted == len(self):
            return [np.arange(wanted)] * len(features)
        one_core()
        _, scanned = self._index.search(features, wanted)
        # FAISS marks with -1 what it did not find
        return [rows[rows >= 0] for rows in scanned]

    def write(self, stream: BinaryIO) -> None:
        """Write the rows, then FAISS's part in its own format."""
        self._rows.write(stream)
        stream.write(faiss.serialize_index(self._index).data)

    @classmethod
    def read(cls, stream: BinaryIO, count: int) -> CompressedVectors:
        """Read what :meth:`write` has written.

        Raises
        ------
        ValueError
            It is not that.
        """
        rows = _no_rows()
        rows.read(stream, count)
        try:
            index = faiss.deserialize_index(np.frombuffer(stream.read(), np.uint8))
        except RuntimeError as exc:
            message = "FAISS cannot read its part"
            raise ValueError(message) from exc
        if not isinstance(index, faiss.IndexPreTransform) or index.ntotal != count:
            message = f"FAISS's part does not have {count} vectors"
            raise ValueError(message)
        return cls(index, rows)

    def _place(self, row: int) -> tuple[NDArray[np.uint8], int]:
        # FAISS keeps the codes of 32 rows in one block, mixed: a view of the block, the row in it
        codes, size = self._scanned.codes, self._packer.block_size
        number, offset = divmod(row, self._packer.nvec)
        blocks: NDArray[np.uint8] = faiss.rev_swig_ptr(codes.get(), codes.size()).reshape(-1, size)
        return blocks[number : number + 1], offset

    def _put(self, row: int, code: NDArray[np.uint8]) -> None:
        block, offset = self._place(row)
        self._packer.pack_1(code, offset, block)


def _no_rows() -> Rows:
    return Rows(((CODE_BYTES,), ()), (np.uint8, np.float32))


def _principal(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    # the largest principal components in rows, dealt out so that each part of the product
    # quantiser gets a large, a middle and a small one: all parts have the same number of bits
    _, vectors = np.linalg.eigh(sample.T @ sample)
    largest = vectors[:, ::-1][:, :_COMPONENTS].T
    ranks = np.arange(_COMPONENTS).reshape(-1, _PARTS)
    ranks[1::2] = ranks[1::2, ::-1]
    return np.ascontiguousarray(largest[ranks.T.ravel()], np.float32)
