"""Admissions: one that lets everyone in and counts, one that is always full."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ood_face.errors import BusyError
from ood_face.types import AdmissionLoad

if TYPE_CHECKING:
    from collections.abc import Iterator


class CountingAdmission:
    """Lets everyone in; counts who came, and who is in now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.admitted = 0
        self.inside = 0

    @property
    def load(self) -> AdmissionLoad:
        return AdmissionLoad(at_work=self.inside, workers=1000)

    def check_room(self) -> None:
        """Return: there is."""

    @contextmanager
    def admit(self) -> Iterator[None]:
        with self._lock:
            self.admitted += 1
            self.inside += 1
        try:
            yield
        finally:
            with self._lock:
                self.inside -= 1


class FullAdmission:
    """Lets nobody in."""

    load = AdmissionLoad()

    def check_room(self) -> None:
        raise BusyError("runtime.busy", "all places are taken, try again later")

    @contextmanager
    def admit(self) -> Iterator[None]:
        self.check_room()
        yield
