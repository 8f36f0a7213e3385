"""Tells what watches the service how long its stages take and what goes through them."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from ood_face.ports import Admission, WorkObserver
    from ood_face.types import AdmissionLoad, FaceTemplate, Stage

__all__ = ["TimedAdmission", "WorkFeed"]


class WorkFeed:
    """Hands the numbers of the work on; to nobody at first. Safe to call from several threads."""

    def __init__(self) -> None:
        self._observers: tuple[WorkObserver, ...] = ()

    def attach(self, observer: WorkObserver) -> None:
        """Tell this one from now on."""
        self._observers = (*self._observers, observer)

    def stage(self, name: Stage) -> _Timer:
        """Return what times the block that it is entered for: ``with work.stage("detect"):``."""
        return _Timer(name, self._observers)

    def found(self, faces: int) -> None:
        """Tell how many faces one picture shows."""
        for observer in self._observers:
            observer.found(faces)

    def embedded(self, faces: int) -> None:
        """Tell how many faces the embedding network got in one call."""
        for observer in self._observers:
            observer.embedded(faces)

    def made(self, templates: Iterable[FaceTemplate]) -> None:
        """Tell the scores of new templates."""
        if self._observers:
            scores = [template.ood_score for template in templates]
            for observer in self._observers:
                observer.scored(scores)


class TimedAdmission:
    """Lets in whom another admission lets in, and tells how long they waited.

    Parameters
    ----------
    admission : decides
    work : is told; of who is refused it is not
    """

    def __init__(self, admission: Admission, work: WorkFeed) -> None:
        self._admission = admission
        self._work = work
        self._of_thread = threading.local()

    @property
    def load(self) -> AdmissionLoad:
        """Who is in and who waits right now, and how many were refused so far."""
        return self._admission.load

    def check_room(self) -> None:
        """Return if there is room for one more; see :class:`ood_face.ports.Admission`."""
        self._admission.check_room()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait for a place and hold it; see :class:`ood_face.ports.Admission`.

        A place that this thread has reserved is taken over, and given back in the end.
        """
        reserved: ExitStack | None = getattr(self._of_thread, "reserved", None)
        with self._place() if reserved is None else reserved.pop_all():
            self._of_thread.reserved = None
            yield

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Wait for a place, and hold it until this thread's next admission has ended.

        Without an admission, until the block ends. It is for work that prepares the admitted one
        and is to be bounded or refused with it.
        """
        with self._place() as place:
            self._of_thread.reserved = place
            try:
                yield
            finally:
                self._of_thread.reserved = None

    def _place(self) -> ExitStack:
        with ExitStack() as held, self._work.stage("wait"):
            held.enter_context(self._admission.admit())
            return held.pop_all()


class _Timer:
    """Times one block; says nothing of one that failed."""

    __slots__ = ("_began_s", "_name", "_observers")

    def __init__(self, name: Stage, observers: tuple[WorkObserver, ...]) -> None:
        self._name = name
        self._observers = observers
        self._began_s = 0.0

    def __enter__(self) -> None:
        self._began_s = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is None:
            seconds = time.perf_counter() - self._began_s
            for observer in self._observers:
                observer.timed(self._name, seconds)
