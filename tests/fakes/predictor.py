"""A predictor with Paddle's methods; its network sums every input picture."""

from __future__ import annotations

import threading
import time

import numpy as np


class _Handle:
    def __init__(self, owner: FakePredictor) -> None:
        self._owner = owner

    def _copy_from_cpu_bind(self, array: np.ndarray) -> None:
        self._owner.array = array

    def copy_to_cpu(self) -> np.ndarray:
        return self._owner.result


class FakePredictor:
    """Notices when two callers are in it at once.

    Parameters
    ----------
    fail_with : raised by every run
    hold : a run waits for ``release``
    """

    def __init__(self, fail_with: Exception | None = None, *, hold: bool = False) -> None:
        self.array = np.zeros(0)
        self.result = np.zeros(0)
        self.runs = 0
        self.was_shared = False
        self.entered = threading.Event()
        self.release = threading.Event()
        self._fail_with = fail_with
        self._busy = threading.Lock()
        if not hold:
            self.release.set()

    def get_input_handle(self, _name: str) -> _Handle:
        return _Handle(self)

    def get_output_handle(self, _name: str) -> _Handle:
        return _Handle(self)

    def get_output_names(self) -> list[str]:
        return ["sum"]

    def run(self) -> None:
        if not self._busy.acquire(blocking=False):
            self.was_shared = True
            return
        try:
            self.runs += 1
            self.entered.set()
            self.release.wait(10)
            if self._fail_with is not None:
                raise self._fail_with
            time.sleep(0)  # let another thread try
            self.result = self.array.sum(axis=(1, 2, 3))
        finally:
            self._busy.release()
