"""The drift watch as a background job: fed by the service, asked by the API."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from ood_face.errors import ArtifactError, BackendError
from ood_face.monitoring.drift import DriftMonitor
from ood_face.monitoring.drift_files import load_monitor, save_monitor, set_aside
from ood_face.monitoring.drift_windows import DriftState

if TYPE_CHECKING:
    from pathlib import Path

    from ood_face.monitoring.drift import DriftChange, DriftStatus, SignalShape
    from ood_face.monitoring.drift_webhook import Webhook
    from ood_face.types import Observation

__all__ = ["DriftJob"]

# observations that may wait: a few seconds of the fastest service, a few megabytes
_QUEUE_SIZE = 10_000
_SAVE_EVERY_S = 60.0
# with the time for requests at work to end, below the 10 s after which supervisord kills by default
_CLOSE_S = 3.0

_logger = logging.getLogger(__name__)


class DriftJob:
    """Watches verdicts in a thread of its own; an :class:`ood_face.ports.Observer`.

    What was saved before goes on from there; a damaged file is set aside, and a new reference
    is taken. Observations that come too fast are left out and counted.

    Parameters
    ----------
    monitor : fresh; the job alone uses it from now on
    path : where it is saved: every minute, at a change of state, and at the end
    webhook : told when something drifts and when that is over; None: nobody is
    queue_size : observations that may wait
    """

    def __init__(
        self,
        monitor: DriftMonitor,
        path: Path,
        webhook: Webhook | None = None,
        queue_size: int = _QUEUE_SIZE,
    ) -> None:
        self._monitor = monitor
        self._path = path
        self._webhook = webhook
        self._lock = threading.Lock()
        self._queue: Queue[Observation | tuple[float, bool] | None] = Queue(queue_size)
        self._dropped = 0
        self._closed = False
        self._changed = False
        self._saved_at = time.monotonic()
        self._load()
        # a daemon: a webhook that hangs does not keep the process
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)
        self._thread.start()

    def observe(self, observation: Observation) -> None:
        """Take the numbers of one verdict; never waits and never raises."""
        self._put(observation)

    def labelled(self, probability: float, same: bool) -> None:
        """Take what a person said of a verdict; never waits and never raises."""
        self._put((probability, same))

    def status(self) -> DriftStatus:
        """Return how everything stands."""
        with self._lock:
            return replace(self._monitor.status(), dropped=self._dropped)

    def shapes(self) -> dict[str, SignalShape]:
        """Return how each kind of number is spread that has a reference, by its name."""
        with self._lock:
            return self._monitor.shapes()

    def settle(self) -> None:
        """Wait until everything that was told so far has been taken in."""
        self._queue.join()

    def close(self) -> None:
        """Take in what was told, save, and end the thread; may be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._queue.put(None, timeout=_CLOSE_S)
        except Full:
            _logger.warning("the drift watch hangs; its last state is not saved")
            return
        self._thread.join(_CLOSE_S)

    def _put(self, item: Observation | tuple[float, bool]) -> None:
        if self._closed:
            return
        try:
            self._queue.put_nowait(item)
        except Full:
            # racing threads may lose a count: it says that, not how exactly, too much came
            self._dropped += 1

    def _run(self) -> None:
        while True:
            if self._changed and time.monotonic() - self._saved_at >= _SAVE_EVERY_S:
                self._save()
            try:
                item = self._queue.get(timeout=_SAVE_EVERY_S)
            except Empty:
                continue
            self._take(item)
            if item is None:
                return

    def _take(self, item: Observation | tuple[float, bool] | None) -> None:
        try:
            if item is None:
                self._save()
                return
            with self._lock:
                changes = (
                    self._monitor.labelled(*item)
                    if isinstance(item, tuple)
                    else self._monitor.observe(item)
                )
            self._changed = True
            if changes:
                self._save()
            for change in changes:
                self._tell(change)
        finally:
            self._queue.task_done()

    def _tell(self, change: DriftChange) -> None:
        figures = ", ".join(f"{key} {value:.3f}" for key, value in change.values.items())
        level = logging.WARNING if change.after == DriftState.DRIFTED else logging.INFO
        _logger.log(
            level,
            "drift of %s: %s, was %s (%s)",
            change.name,
            change.after,
            change.before,
            figures or "-",
        )
        if self._webhook is not None and DriftState.DRIFTED in (change.before, change.after):
            self._webhook.post(
                {
                    "event": "drift",
                    "model_id": self._monitor.model_id,
                    "signal": change.name,
                    "state": change.after,
                    "before": change.before,
                    "values": dict(change.values),
                }
            )

    def _load(self) -> None:
        try:
            try:
                saved_at = load_monitor(self._path, self._monitor)
            except (ArtifactError, BackendError) as exc:
                aside = set_aside(self._path)
                _logger.error("%s; it is now %s", exc, aside)  # noqa: TRY400 - one line
                return
        except BackendError as exc:
            _logger.error("the drift reference cannot be kept: %s", exc)  # noqa: TRY400
            return
        if saved_at is not None:
            _logger.info("the drift watch goes on from %s", saved_at)

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        try:
            with self._lock:
                save_monitor(self._path, self._monitor)
        except BackendError as exc:
            _logger.error("the drift watch is not saved: %s", exc)  # noqa: TRY400 - one line
            return
        self._changed = False
