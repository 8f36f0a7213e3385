"""One collection of a gallery: rows read and written in chunks that Milvus takes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ood_face.matching.milvus.connection import CollectionMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.errors import OodFaceError
    from ood_face.matching.milvus.connection import Connection

__all__ = ["MAX_LIMIT", "Rows"]

# Milvus returns at most so many rows for a query, and for a vector of a search
MAX_LIMIT = 16_384
# keys of up to 1 kB, rows of up to 64 kB: answers stay far below the 64 MB that a call may bring
_KEYS = 500
# rows of answers to all vectors of one search
_HITS = 16_384


class Rows:
    """A collection; safe to call from several threads.

    Parameters
    ----------
    connection : to Milvus
    name : of the collection
    missing : the error to raise where the collection is not there any more
    """

    def __init__(
        self, connection: Connection, name: str, missing: Callable[[], OodFaceError]
    ) -> None:
        self._connection = connection
        self._name = name
        self._missing = missing

    def put(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, each in place of one of the same key."""
        if rows:
            with self._there():
                self._connection.upsert(self._name, rows)

    def remove(self, ids: Sequence[str] | Sequence[int]) -> None:
        """Delete rows by key."""
        if ids:
            with self._there():
                self._connection.delete(self._name, ids)

    def get(
        self, ids: Sequence[str] | Sequence[int], fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return rows by key, in any order; those that are not there are left out."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), _KEYS):
            with self._there():
                rows += self._connection.get(self._name, ids[start : start + _KEYS], fields)
        return rows

    def after(self, key: str, limit: int, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Return rows whose key, a text in ``key``, comes after this one, in the order of keys.

        Parameters
        ----------
        key : hexadecimal digits; empty: from the beginning
        limit : at most so many
        fields : to be returned; ``key`` is always
        """
        rows: list[dict[str, Any]] = []
        while len(rows) < limit:
            wanted = min(limit - len(rows), _KEYS)
            with self._there():
                page = self._connection.query(
                    self._name, f'key > "{key}"', ["key", *fields], wanted
                )
            rows += sorted(page, key=_key)
            if len(page) < wanted:
                break
            key = rows[-1]["key"]
        return rows

    def where(self, condition: str, fields: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Return the first rows that meet a condition of Milvus."""
        with self._there():
            return self._connection.query(self._name, condition, fields, limit)

    def count(self, condition: str = "") -> int:
        """Return how many rows meet a condition of Milvus; an empty one: all."""
        with self._there():
            return self._connection.count(self._name, condition)

    def nearest(
        self, vectors: NDArray[np.float32], limit: int, fields: Sequence[str], **params: int
    ) -> list[list[dict[str, Any]]]:
        """Return rows by the cosine of their feature, best first, for each vector."""
        chunk = max(1, _HITS // limit)
        found: list[list[dict[str, Any]]] = []
        for start in range(0, len(vectors), chunk):
            with self._there():
                found += self._connection.search(
                    self._name, list(vectors[start : start + chunk]), limit, fields, **params
                )
        return found

    def purge(self) -> None:
        """Have Milvus drop deleted rows from what it has written."""
        with self._there():
            self._connection.purge(self._name)

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except CollectionMissingError as exc:
            raise self._missing() from exc


def _key(row: dict[str, Any]) -> str:
    return str(row["key"])
