"""The index of one gallery: which templates are like a probe."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import BackendError, InputError
from ood_face.matching.index.compressed import FEWEST, CompressedVectors
from ood_face.matching.index.files import read_index, write_index
from ood_face.matching.index.flat import FlatVectors
from ood_face.matching.index.locks import ReadWriteLock
from ood_face.storage import write_atomically
from ood_face.types.faces import FEATURE_DIM

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Fetch, Found, Vectors

__all__ = ["GalleryIndex"]

_log = logging.getLogger(__name__)

# goes back to flat only well below the limit, lest it switches to and fro
_SHRUNK = 0.75
_CHUNK = 8192


class GalleryIndex:
    """Features by template id: few of them exactly, many of them compressed.

    Safe to call from several threads: searches run at once, a change waits for them and they for
    it. Up to ``compress_above`` features are kept as they are; beyond, codes of them are, the
    search gives a shortlist, and ``fetch`` the features it is put in order by. The change that
    crosses the limit takes as long as making the new index takes (seconds); searches go on
    meanwhile.

    Parameters
    ----------
    fetch : returns the features of ids from the truth, float32 of shape (N, 512), for ids that are
        sorted and unique; a row of NaN where it has none any more. Called by searches, and by the
        removal that makes a compressed index flat again
    compress_above : largest number of templates that is searched exactly; at least 624

    Raises
    ------
    ValueError
        ``compress_above`` is too small to learn the codes from so few features.
    """

    def __init__(self, fetch: Fetch, compress_above: int = 100_000) -> None:
        if compress_above < FEWEST:
            message = f"codes are learned from {FEWEST} features at least, not {compress_above}"
            raise ValueError(message)
        self._fetch = fetch
        self._compress_above = compress_above
        self._vectors: Vectors = FlatVectors()
        self._ids = np.zeros(0, np.int64)  # sorted
        self._changing = threading.Lock()
        self._lock = ReadWriteLock()

    @classmethod
    def build(
        cls,
        chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
        fetch: Fetch,
        compress_above: int = 100_000,
    ) -> GalleryIndex:
        """Return an index of all these ids and features, read chunk by chunk."""
        index = cls(fetch, compress_above)
        for ids, features in chunks:
            index.add(ids, features)
        return index

    @classmethod
    def load(
        cls, path: Path, owner: str, fetch: Fetch, compress_above: int = 100_000
    ) -> GalleryIndex:
        """Return the index that :meth:`save` has written.

        Raises
        ------
        IndexDamagedError
            The file is missing, damaged, of another format or of another owner: build it anew.
        """
        index = cls(fetch, compress_above)
        index._vectors, index._ids = read_index(path, owner)
        index._adapt()
        return index

    def save(self, path: Path, owner: str) -> None:
        """Write the index to one file, which is there as a whole or not at all.

        Parameters
        ----------
        path : the file; its folder is there
        owner : whose index this is, up to 300 ASCII characters; :meth:`load` demands the same

        Raises
        ------
        StorageError
            It cannot be written; the file is as it was.
        """
        # holds off changes, not searches
        with write_atomically(path) as temporary, self._changing:
            write_index(temporary, owner, self._vectors, self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def kind(self) -> str:
        """Name of the kind of vectors it has now: ``flat`` or a compressed one."""
        return self._vectors.kind

    def ids(self) -> NDArray[np.int64]:
        """Return all template ids, sorted."""
        return self._ids.copy()

    def add(self, ids: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Add templates.

        Parameters
        ----------
        ids : int64 array of shape (N,), greater than 0, none of them there yet
        features : float32 array of shape (N, 512), each of unit norm

        Raises
        ------
        InputError
            The shapes do not fit, or an id is not positive or comes twice; nothing was added.
        """
        ids, features = _checked(ids, features)
        with self._changing:
            fresh = np.unique(ids)
            if len(fresh) != len(ids) or len(_places(self._ids, fresh)):
                raise InputError("index.duplicate", "the index has one of these templates already")
            merged = np.insert(self._ids, np.searchsorted(self._ids, fresh), fresh)
            with self._lock.writing():
                self._vectors.add(ids, features)
                self._ids = merged
            self._adapt()

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove templates; ids that are not there are ignored.

        Nothing of a removed feature stays, neither in what is searched nor in what is saved next.
        """
        with self._changing:
            places = _places(self._ids, np.unique(ids))
            gone, kept = self._ids[places], np.delete(self._ids, places)
            with self._lock.writing():
                self._vectors.remove(gone)
                self._ids = kept
            self._adapt()

    def search(self, features: NDArray[np.float32], count: int) -> Found:
        """Find the most similar templates of each probe.

        Parameters
        ----------
        features : float32 array of shape (N, 512), each of unit norm
        count : how many of each probe

        Returns
        -------
        similarities : float32 array of shape (N, count), best first; exact cosines. -1 where there
            are fewer templates
        ids : int64 array of shape (N, count); -1 where there are fewer templates
        """
        features = np.ascontiguousarray(features, np.float32)
        with self._lock.reading():
            similarities, ids = self._vectors.search(features, count)
            exact = self.kind == FlatVectors.kind
        if not exact:
            similarities = self._similarities(features, ids)
        return _best(similarities, ids, count)

    def _similarities(
        self, features: NDArray[np.float32], ids: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        # exact cosines of each probe with its own shortlist, from the truth
        wanted, places = np.unique(ids, return_inverse=True)
        places = places.reshape(ids.shape)
        known = np.full((len(wanted), FEATURE_DIM), np.nan, np.float32)
        real = wanted > 0
        known[real] = self._fetch(wanted[real])
        exact = [
            np.einsum("ij,j->i", known[rows], feature)
            for rows, feature in zip(places, features, strict=True)
        ]
        return np.array(exact, np.float32).reshape(ids.shape)

    def _adapt(self) -> None:
        # makes the other kind of vectors where the number of templates asks for it; searches go
        # on with the present one until it is there
        vectors, count, began = self._vectors, len(self._ids), time.monotonic()
        if isinstance(vectors, FlatVectors):
            if count <= self._compress_above:
                return
            _log.info("index of %d templates: compressing", count)
            fresh: Vectors = _compressed(vectors)
        elif count <= _SHRUNK * self._compress_above:
            try:
                fresh = self._flat()
            except BackendError:
                _log.exception("index of %d templates stays compressed", count)
                return
        else:
            return
        with self._lock.writing():
            self._vectors, self._ids = fresh, np.sort(fresh.ids())
        seconds = time.monotonic() - began
        _log.info("index of %d templates is now %s, after %.1f s", count, fresh.kind, seconds)

    def _flat(self) -> FlatVectors:
        # what the truth still has of these templates
        flat = FlatVectors(len(self._ids))
        for start in range(0, len(self._ids), _CHUNK):
            ids = self._ids[start : start + _CHUNK]
            features = self._fetch(ids)
            there = ~np.isnan(features[:, 0])
            flat.add(ids[there], features[there])
        return flat


def _compressed(flat: FlatVectors) -> CompressedVectors:
    vectors = CompressedVectors.train(flat.features())
    for start in range(0, len(flat), _CHUNK):
        part = slice(start, start + _CHUNK)
        vectors.add(flat.ids()[part], flat.features()[part])
    return vectors


def _places(known: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.intp]:
    # where those of the ids are that are known; both are sorted
    places = np.searchsorted(known, ids)
    inside = places < len(known)
    places, ids = places[inside], ids[inside]
    hits: NDArray[np.intp] = places[known[places] == ids]
    return hits


def _checked(
    ids: NDArray[np.int64], features: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    ids = np.ascontiguousarray(ids, np.int64)
    features = np.ascontiguousarray(features, np.float32)
    if ids.ndim != 1 or features.shape != (len(ids), FEATURE_DIM):
        raise InputError(
            "index.shape",
            "expected N ids and features of shape (N, {dim}), got {ids} and {features}",
            dim=FEATURE_DIM,
            ids=ids.shape,
            features=features.shape,
        )
    if len(ids) and ids.min() < 1:
        raise InputError("index.id", "a template id is at least 1, not {got}", got=ids.min())
    return ids, features


def _best(similarities: NDArray[np.float32], ids: NDArray[np.int64], count: int) -> Found:
    # ``count`` columns, best first; NaN counts as absent
    absent = np.isnan(similarities)
    similarities = np.where(absent, np.float32(-2), similarities)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
    best = np.full((len(ids), count), -1, np.float32)
    chosen = np.full((len(ids), count), -1, np.int64)
    best[:, : order.shape[1]] = np.take_along_axis(similarities, order, axis=1)
    chosen[:, : order.shape[1]] = np.take_along_axis(np.where(absent, -1, ids), order, axis=1)
    best[chosen == -1] = -1
    return best, chosen
