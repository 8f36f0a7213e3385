"""Many pictures, or a zip of them, that a browser sends in slices: kept for minutes, then gone."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.errors import BusyError, InputError, StorageFullError
from webui.bundle import Bundle, disk_full, out_of_turn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bundles", "Received"]

_LIVES_S = 900.0
_MAX_BUNDLES_EACH = 2
# of all visitors together
_MAX_BUNDLES = 8
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Received:
    """What the server has of a bundle.

    Attributes
    ----------
    bundle_id : chosen by the browser
    files, size_bytes : that are there
    complete : nothing more comes
    """

    bundle_id: str
    files: int
    size_bytes: int
    complete: bool


@dataclass(slots=True, eq=False)
class _Coming:
    session: str
    bundle: Bundle
    seen_s: float
    complete: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Bundles:
    """What visitors are sending; safe to call from several threads.

    Parameters
    ----------
    folder : gets one folder for each bundle, readable by its owner alone
    max_bytes : of one bundle, also unpacked
    max_picture_bytes : of one file in it
    seconds : a clock that never goes back
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        max_picture_bytes: int,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._seconds = folder, seconds
        self._max_bytes, self._max_picture_bytes = max_bytes, max_picture_bytes
        self._lock = threading.Lock()
        self._coming: dict[tuple[str, str], _Coming] = {}

    def add(self, session: str, slice_: object) -> Received:
        """Take the next slice of a bundle; the first one begins it.

        Parameters
        ----------
        session : of the visitor's page
        slice_ : ``{"bundle": 32 hex digits, "last": bool, "parts": [{"file": number, "name": str,
            "offset": bytes, "data": base64}]}``, parts in their order

        Raises
        ------
        InputError
            It has another form, comes out of turn, or the bundle exceeds its limits. The bundle
            is erased.
        BusyError
            Too many bundles are there already.
        StorageFullError
            The disk is full. The bundle is erased.
        """
        bundle_id, last, parts = _read_slice(slice_)
        key = (session, bundle_id)
        coming = self._begun(key)
        try:
            with coming.lock:
                _check_open(coming)
                for number, name, offset, data in parts:
                    coming.bundle.append(number, name, offset, data)
                coming.complete = last
        except (InputError, StorageFullError):
            self._drop(lambda other, _: other == key)
            raise
        bundle = coming.bundle
        return Received(bundle_id, len(bundle.names), bundle.size_bytes, last)

    def look(self, session: str, bundle_id: str) -> Bundle:
        """Return a bundle that is complete, and keep it; see :meth:`take`."""
        with self._lock:
            coming = self._complete(session, bundle_id)
            coming.seen_s = self._seconds()
            return coming.bundle

    def take(self, session: str, bundle_id: str) -> Bundle:
        """Return a bundle that is complete; it is the caller's now, who closes it.

        Raises
        ------
        InputError
            This visitor has no such bundle, it is not complete, or it was forgotten.
        """
        with self._lock:
            coming = self._complete(session, bundle_id)
            del self._coming[session, bundle_id]
            return coming.bundle

    def drop(self, session: str, bundle_id: str) -> None:
        """Erase a bundle that the visitor does not want after all, if it is there."""
        self._drop(lambda key, _: key == (session, bundle_id))

    def forget(self, session: str) -> None:
        """Erase what came from a page that was closed."""
        self._drop(lambda key, _: key[0] == session)

    def sweep(self) -> None:
        """Erase what was not asked for in time."""
        now = self._seconds()
        self._drop(lambda _, coming: now - coming.seen_s >= _LIVES_S)

    def close(self) -> None:
        """Erase everything, also what an earlier server left in the folder."""
        self._drop(lambda _key, _coming: True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _complete(self, session: str, bundle_id: str) -> _Coming:
        coming = self._coming.get((session, bundle_id))
        if coming is None or not coming.complete:
            raise InputError(
                "bundle.gone",
                "the pictures are not here any more: they are erased {minutes} minutes after "
                "they came; choose them again",
                minutes=round(_LIVES_S / 60),
            )
        return coming

    def _begun(self, key: tuple[str, str]) -> _Coming:
        with self._lock:
            coming = self._coming.get(key)
            if coming is None:
                theirs = sum(session == key[0] for session, _ in self._coming)
                if theirs >= _MAX_BUNDLES_EACH or len(self._coming) >= _MAX_BUNDLES:
                    raise BusyError(
                        "bundle.busy",
                        "too many pictures are on their way already; try again in a few minutes",
                    )
                coming = _Coming(key[0], self._new(), self._seconds())
                self._coming[key] = coming
            coming.seen_s = self._seconds()
            return coming

    def _new(self) -> Bundle:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # readable by its owner alone
            folder = Path(tempfile.mkdtemp(dir=self._folder))
        except OSError as exc:
            raise disk_full(exc) from exc
        return Bundle(folder, self._max_bytes, self._max_picture_bytes)

    def _drop(self, meant: Callable[[tuple[str, str], _Coming], bool]) -> None:
        with self._lock:
            keys = [key for key, coming in self._coming.items() if meant(key, coming)]
            dropped = [self._coming.pop(key) for key in keys]
        for coming in dropped:
            with coming.lock:
                coming.bundle.close()


def _check_open(coming: _Coming) -> None:
    if coming.complete:
        raise out_of_turn()


def _read_slice(slice_: object) -> tuple[str, bool, list[tuple[int, str, int, bytes]]]:
    match slice_:
        case {"bundle": str(bundle_id), "last": bool(last), "parts": list(parts)}:
            pass
        case _:
            raise out_of_turn()
    if _ID.fullmatch(bundle_id) is None:
        raise out_of_turn()
    return bundle_id, last, [_read_part(part) for part in parts]


def _read_part(part: object) -> tuple[int, str, int, bytes]:
    match part:
        case {"file": int(number), "name": str(name), "offset": int(offset), "data": str(encoded)}:
            pass
        case _:
            raise out_of_turn()
    try:
        return number, name, offset, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise out_of_turn() from exc
