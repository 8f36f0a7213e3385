"""Measurements kept on disk: a run that was ended goes on where it was.

What is measured of some crops depends on the model, the measurement and the pixels, so these are
the key: nothing has to be invalidated. The pixels are those after any degradation, so a changed
degradation or another seed is another key as well.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Kept", "MeasurementStore"]

logger = logging.getLogger(__name__)
# what np.load raises on a file that was cut off or damaged
_DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
PART = 128  # crops per file: at most this many are measured again after an interruption


class MeasurementStore:
    """Arrays by key in one folder, each file written at once or not at all.

    Parameters
    ----------
    folder : created when something is kept
    fingerprint : names what measures: another one never sees these measurements
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint

    def key(self, name: str, parts: Sequence[bytes]) -> str:
        """Return the key of one measurement on some bytes."""
        digest = hashlib.sha256(f"{self._fingerprint}\n{name}\n".encode())
        for part in parts:
            digest.update(f"{len(part)}\n".encode())
            digest.update(part)
        return digest.hexdigest()

    def read(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return what was kept; None where there is nothing, or nothing readable."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except _DAMAGED as exc:
            logger.warning("%s is damaged and is measured again: %s", path, exc)
            return None

    def write(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays.

        Raises
        ------
        InputError
            The folder can't be written, or the disk is full.
        """
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as stream:
                    np.savez(stream, **arrays)  # type: ignore[arg-type]  # numpy's stub of **kwds
                Path(temporary).replace(path)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as exc:
            raise InputError(
                "evaluate.cache",
                "what is measured is kept in {folder}, which cannot be written: {reason}; --cache "
                "names another folder",
                folder=str(self._folder),
                reason=exc.strerror or type(exc).__name__,
            ) from exc

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.npz"


class Kept:
    """A measurement of crops whose answers are kept, on disk and for the rest of the run.

    Evaluations ask for the same crops again and again; each is measured once.

    Parameters
    ----------
    name : of the measurement, with whatever it depends on beside model and pixels
    measure : crops (N, 112, 112, 3) to arrays by name, each (N, ...)
    store : keeps the answers
    advance : told how many crops were done
    """

    def __init__(
        self,
        name: str,
        measure: Callable[[NDArray[np.uint8]], Mapping[str, NDArray[Any]]],
        store: MeasurementStore,
        advance: Callable[[int], None],
    ) -> None:
        self._name, self._measure = name, measure
        self._store, self._advance = store, advance
        self._known: dict[bytes, dict[str, NDArray[Any]]] = {}

    def __call__(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """Return the arrays of all crops; at least one crop."""
        digests = [hashlib.sha256(crop.tobytes()).digest() for crop in crops]
        first = {digest: index for index, digest in reversed(list(enumerate(digests)))}
        fresh = sorted(index for digest, index in first.items() if digest not in self._known)
        self._advance(len(crops) - len(fresh))
        for start in range(0, len(fresh), PART):
            part = fresh[start : start + PART]
            found = self._part(crops[part], [digests[index] for index in part])
            for row, index in enumerate(part):
                self._known[digests[index]] = {name: found[name][row] for name in found}
            self._advance(len(part))
        rows = [self._known[digest] for digest in digests]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _part(self, crops: NDArray[np.uint8], digests: list[bytes]) -> dict[str, NDArray[Any]]:
        key = self._store.key(self._name, digests)
        found = self._store.read(key)
        if found is None:
            found = dict(self._measure(np.ascontiguousarray(crops)))
            self._store.write(key, found)
        return found
