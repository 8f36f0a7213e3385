"""Readiness: runs the model, but not more often than it needs to."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ood_face.api.errors import NotReadyError
from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    from ood_face.service import FaceService

__all__ = ["Readiness"]


class Readiness:
    """Runs the service's self-test for probes; a result holds for a moment.

    Parameters
    ----------
    service : what is tested
    hold_s : how long a result is taken as current
    """

    def __init__(self, service: FaceService, hold_s: float = 1.0) -> None:
        self._service = service
        self._hold_s = hold_s
        self._lock = asyncio.Lock()
        self._tested_at = float("-inf")
        self._error: OodFaceError | None = None
        self._last: tuple[bool, float] | None = None

    @property
    def last(self) -> tuple[bool, float] | None:
        """Whether the last test passed, and when it ended (seconds since 1970); None: none yet."""
        return self._last

    async def check(self) -> None:
        """Return if the model works.

        Raises
        ------
        NotReadyError
            It does not.
        """
        async with self._lock:
            if time.monotonic() - self._tested_at >= self._hold_s:
                self._error = await asyncio.to_thread(self._test)
                self._tested_at = time.monotonic()
                self._last = (self._error is None, time.time())
        if self._error is not None:
            raise NotReadyError(
                "request.self_test", "the self-test failed: {problem}", problem=self._error
            ) from self._error

    def _test(self) -> OodFaceError | None:
        try:
            self._service.self_test()
        except OodFaceError as exc:
            return exc
        return None
