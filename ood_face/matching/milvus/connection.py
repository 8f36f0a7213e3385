"""The one place that calls Milvus and turns its failures into ours."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ood_face.errors import BackendError
from ood_face.storage import FolderLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["CollectionMissingError", "Connection"]

_CALL_TIMEOUT_S = 10.0
# making, loading and dropping collections, flushing and compacting
_ADMIN_TIMEOUT_S = 120.0
_LOCAL_ENDING = ".db"  # what pymilvus takes for a file of Milvus Lite
_SCHEMES = ("http", "https", "tcp")
_NOT_FOUND = 100


class CollectionMissingError(BackendError):
    """A collection was dropped."""


class Connection:
    """A Milvus; safe to call from several threads.

    Parameters
    ----------
    uri : ``http://host:19530``, or a file that ends in ``.db``: Milvus Lite runs in this process
    token : ``user:password`` or an API key; None: none is needed

    Raises
    ------
    BackendError
        The package pymilvus is not installed, the address is none, nobody answers there, or the
        file is none of Milvus Lite.
    StorageLockedError
        Another process, or another store of this one, has the file of Milvus Lite.
    StorageError
        The folder of the file cannot be written.
    """

    def __init__(self, uri: str, token: str | None = None) -> None:
        self._address = _check_uri(uri)
        self.local = uri.endswith(_LOCAL_ENDING)
        self._milvus = _import_milvus(self.local)
        self.kinds = self._milvus.kinds
        self._path = Path(uri).absolute()
        # Milvus Lite can take one write at a time, and does not find what it is writing out
        self._turn = threading.RLock() if self.local else None
        self._file_lock = FolderLock(Path(f"{self._path}.lock")) if self.local else None
        try:
            with self._failures(""):
                self._client = self._milvus.client(
                    str(self._path) if self.local else uri,
                    token=token or "",
                    timeout=_CALL_TIMEOUT_S,
                    dedicated=True,
                )
        except BaseException:
            self._release_file()
            raise

    def new_schema(self) -> Any:  # noqa: ANN401
        """Return an empty schema; keys are ours, and there is no field but those it names."""
        return self._milvus.client.create_schema(auto_id=False, enable_dynamic_field=False)

    def collections(self) -> list[str]:
        """Return the names of all collections."""
        with self._failures(""):
            return list(self._client.list_collections(timeout=_CALL_TIMEOUT_S))

    def create(
        self,
        name: str,
        schema: Any,  # noqa: ANN401
        indexes: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Make a collection with its indexes, and load it."""
        params = self._milvus.client.prepare_index_params()
        for field, index in indexes.items():
            params.add_index(field, **index)
        with self._failures(name):
            # every read sees every write that has returned, whichever replica wrote it
            self._client.create_collection(
                name,
                schema=schema,
                index_params=params,
                consistency_level="Strong",
                timeout=_ADMIN_TIMEOUT_S,
            )

    def drop(self, name: str) -> None:
        """Drop a collection with all its rows; nothing happens where it is not there."""
        with self._failures(name):
            self._client.drop_collection(name, timeout=_ADMIN_TIMEOUT_S)

    def upsert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, each in place of one of the same key."""
        with self._failures(name):
            self._client.upsert(name, list(rows), timeout=_CALL_TIMEOUT_S)

    def delete(self, name: str, ids: Sequence[str] | Sequence[int]) -> None:
        """Delete rows by key."""
        with self._failures(name):
            self._client.delete(name, ids=list(ids), timeout=_CALL_TIMEOUT_S)

    def get(
        self, name: str, ids: Sequence[str] | Sequence[int], fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return rows by key, in any order; those that are not there are left out."""
        with self._failures(name):
            rows = self._client.query(
                name, ids=list(ids), output_fields=list(fields), timeout=_CALL_TIMEOUT_S
            )
        return [dict(row) for row in rows]

    def query(
        self, name: str, condition: str, fields: Sequence[str], limit: int
    ) -> list[dict[str, Any]]:
        """Return the first rows, by key, that meet a condition."""
        with self._failures(name):
            rows = self._client.query(
                name,
                filter=condition,
                output_fields=list(fields),
                limit=limit,
                # as pymilvus' own iterators ask for rows in the order of their keys
                iterator="True",
                reduce_stop_for_best="True",
                timeout=_CALL_TIMEOUT_S,
            )
        return [dict(row) for row in rows]

    def count(self, name: str, condition: str) -> int:
        """Return how many rows meet a condition; an empty one: all."""
        with self._failures(name):
            rows = self._client.query(
                name, filter=condition, output_fields=["count(*)"], timeout=_CALL_TIMEOUT_S
            )
        return int(rows[0]["count(*)"])

    def search(
        self, name: str, vectors: Sequence[Any], limit: int, fields: Sequence[str], **params: int
    ) -> list[list[dict[str, Any]]]:
        """Return the rows with the most similar features, best first, for each vector."""
        with self._failures(name):
            found = self._client.search(
                name,
                data=list(vectors),
                anns_field="feature",
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "COSINE", "params": params},
                timeout=_CALL_TIMEOUT_S,
            )
        return [list(hits) for hits in found]

    def purge(self, name: str) -> None:
        """Have Milvus write out what it holds and drop deleted rows from what it wrote."""
        with self._failures(name):
            self._client.flush(name, timeout=_ADMIN_TIMEOUT_S)
            self._client.compact(name, timeout=_ADMIN_TIMEOUT_S)

    def close(self) -> None:
        """Let go; the server of Milvus Lite ends."""
        self._client.close()
        self._release_file()

    def _release_file(self) -> None:
        if self._file_lock is not None:
            self._milvus.lite.release_server(str(self._path))
            self._file_lock.close()
            self._file_lock = None

    @contextmanager
    def _failures(self, collection: str) -> Iterator[None]:
        with self._turn or nullcontext():
            try:
                yield
            except self._milvus.errors as exc:
                problem = getattr(exc, "message", None) or str(exc)
                if getattr(exc, "code", None) == _NOT_FOUND:
                    raise CollectionMissingError(
                        "milvus.no_collection",
                        "Milvus has no collection {collection}",
                        collection=collection,
                    ) from exc
                raise BackendError(
                    "milvus.failed",
                    "Milvus at {address} failed: {problem}",
                    address=self._address,
                    problem=problem,
                ) from exc


def _check_uri(uri: str) -> str:
    """Return the address without a password, to be shown."""
    if uri.endswith(_LOCAL_ENDING):
        return uri
    parts = urlsplit(uri)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise BackendError(
            "milvus.uri",
            "{uri} is no address of a Milvus: it begins with http://, https:// or tcp://, or is a "
            "file that ends in .db",
            uri=uri.rpartition("@")[2],
        )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class _Milvus(NamedTuple):
    """What we use of the packages pymilvus and milvus_lite."""

    client: Any
    kinds: Any
    errors: tuple[type[Exception], ...]
    lite: Any


def _import_milvus(local: bool) -> _Milvus:
    # optional, and half a second to import
    try:
        import grpc  # noqa: PLC0415
        from pymilvus import DataType, MilvusClient, MilvusException  # noqa: PLC0415

        if local:
            from milvus_lite.server_manager import server_manager_instance  # noqa: PLC0415
    except ImportError as exc:
        raise BackendError(
            "milvus.not_installed",
            "galleries in Milvus need the extra 'milvus': pip install 'ood-face[milvus]' "
            "({reason})",
            reason=str(exc),
        ) from exc
    # it writes the stack of every failure to stderr; each is raised, too, and those are handled
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    errors = (MilvusException, grpc.RpcError)
    return _Milvus(MilvusClient, DataType, errors, server_manager_instance if local else None)
