"""The file of an index: a header that says what must be in it, then the vectors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from ood_face.errors import StorageCorruptError
from ood_face.matching.index.compressed import CompressedVectors
from ood_face.matching.index.flat import FlatVectors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.matching.index.vectors import Vectors

__all__ = ["IndexDamagedError", "is_index_of", "read_index", "write_index"]

FORMAT = 1
# one line of JSON, padded with spaces, so that it can be written last
_HEADER_BYTES = 1024
_CHUNK_BYTES = 2**20


class IndexDamagedError(StorageCorruptError):
    """The file of an index is not what it should be; the index can be rebuilt from the truth."""


@dataclass(frozen=True, slots=True)
class Header:
    """First line of the file.

    Attributes
    ----------
    format : version of the layout
    owner : whose vectors these are
    kind, count : which vectors follow, and how many
    ids_sha256 : of the sorted ids as little-endian int64
    payload_sha256 : of all that follows the header
    """

    format: int
    owner: str
    kind: str
    count: int
    ids_sha256: str
    payload_sha256: str


def write_index(path: Path, owner: str, vectors: Vectors, ids: NDArray[np.int64]) -> None:
    """Write vectors into an empty file.

    Parameters
    ----------
    path : the file
    owner : whose vectors these are, up to 300 characters
    vectors : what to write
    ids : their ids, sorted
    """
    with path.open("wb") as stream:
        stream.write(bytes(_HEADER_BYTES))
        hashing = _HashingWriter(stream)
        vectors.write(cast("BinaryIO", hashing))
        header = Header(
            FORMAT, owner, vectors.kind, len(vectors), _ids_sha256(ids), hashing.hexdigest()
        )
        line = json.dumps(asdict(header)).encode().ljust(_HEADER_BYTES - 1) + b"\n"
        if len(line) != _HEADER_BYTES:
            message = f"the owner {owner!r} is too long"
            raise ValueError(message)
        stream.seek(0)
        stream.write(line)


def read_index(path: Path, owner: str) -> tuple[Vectors, NDArray[np.int64]]:
    """Read vectors and their sorted ids.

    Raises
    ------
    IndexDamagedError
        The file is missing, damaged, of another format or of another owner.
    """
    try:
        with path.open("rb") as stream:
            header = _read_header(path, stream, owner)
            vectors = _read_vectors(stream, header)
    except (OSError, ValueError) as exc:
        raise _damaged(path, str(exc)) from exc
    ids = np.sort(vectors.ids())
    if len(ids) != header.count or _ids_sha256(ids) != header.ids_sha256:
        raise _damaged(path, "the ids are not those of the header")
    return vectors, ids


def is_index_of(path: Path, owner: str, ids: NDArray[np.int64]) -> bool:
    """Return whether a sound index has exactly these ids; its vectors are hashed, not kept.

    Parameters
    ----------
    path, owner : as of :func:`read_index`
    ids : sorted

    Raises
    ------
    IndexDamagedError
        As of :func:`read_index`.
    """
    try:
        with path.open("rb") as stream:
            header = _read_header(path, stream, owner)
    except (OSError, ValueError) as exc:
        raise _damaged(path, str(exc)) from exc
    return (header.count, header.ids_sha256) == (len(ids), _ids_sha256(ids))


class _HashingWriter:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def write(self, content: Any) -> int:  # noqa: ANN401 - anything with a buffer
        self._digest.update(content)
        return self._stream.write(content)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _read_header(path: Path, stream: BinaryIO, owner: str) -> Header:
    fields = json.loads(stream.read(_HEADER_BYTES))
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise _damaged(path, f"it is not of format {FORMAT}")
    try:
        header = Header(**fields)
    except TypeError as exc:
        raise _damaged(path, "its header lacks something, or has too much") from exc
    if not isinstance(header.count, int) or header.count < 0:
        raise _damaged(path, f"its header counts {header.count!r} vectors")
    if header.owner != owner:
        raise _damaged(path, f"it belongs to {header.owner!r}, not to {owner!r}")
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    if digest.hexdigest() != header.payload_sha256:
        raise _damaged(path, "its content is not that of its sha256")
    stream.seek(_HEADER_BYTES)
    return header


def _read_vectors(stream: BinaryIO, header: Header) -> Vectors:
    if header.kind == FlatVectors.kind:
        return FlatVectors.read(stream, header.count)
    if header.kind == CompressedVectors.kind:
        return CompressedVectors.read(stream, header.count)
    message = f"vectors of an unknown kind {header.kind!r}"
    raise ValueError(message)


def _ids_sha256(ids: NDArray[np.int64]) -> str:
    return hashlib.sha256(ids.astype("<i8", copy=False).data).hexdigest()


def _damaged(path: Path, problem: str) -> IndexDamagedError:
    return IndexDamagedError(
        "index.damaged",
        "the index {file} cannot be used ({problem}); it is rebuilt from the database",
        file=str(path),
        problem=problem,
    )
