"""Many subjects enrolled one after the other; one that is refused stops no other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.errors import BackendError, BusyError, OodFaceError
from ood_face.types import LOCAL, EnrolmentRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ood_face.service.galleries import GalleryService
    from ood_face.types import Caller, Enrolment, Picture, Profile

__all__ = ["BulkItem", "BulkResult", "enroll_each"]

_BUSY_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One subject on its way in.

    Attributes
    ----------
    subject_id : who; new, or enrolled already: then the pictures are added
    pictures : each reads and decodes one picture when its turn comes
    profile : name and metadata; None: as they are, or empty
    label : what the item is called in reports, such as a file name
    """

    subject_id: str
    pictures: tuple[Callable[[], Picture], ...]
    profile: Profile | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one item: an enrolment, or the error that refused it."""

    item: BulkItem
    enrolment: Enrolment | None
    error: OodFaceError | None


def enroll_each(
    service: GalleryService,
    gallery: str,
    items: Iterable[BulkItem],
    *,
    scenario: str | None = None,
    force: bool = False,
    caller: Caller = LOCAL,
) -> Iterator[BulkResult]:
    """Enrol items in their order and say of each what became of it, as soon as it is done.

    Started again with the same items after an interruption, it goes on where it was: pictures
    that are enrolled are known by their hash and not worked on again.

    Parameters
    ----------
    service : enrols
    gallery : its name
    items : subjects; the next one is taken when the one before is done
    scenario : name of the thresholds; None: the gallery's
    force : enrol also faces that another subject has already
    caller : for the audit log

    Raises
    ------
    GalleryNotFoundError
        There is no such gallery.
    BackendError
        The store or the model failed; what was reported as enrolled is enrolled.
    """
    service.open(gallery)
    for item in items:
        try:
            request = EnrolmentRequest(
                subject_id=item.subject_id,
                pictures=tuple(read() for read in item.pictures),
                profile=item.profile,
                force=force,
                scenario=scenario,
            )
            yield BulkResult(item, _patiently(service, gallery, request, caller), None)
        except BackendError:
            raise
        except OodFaceError as exc:
            yield BulkResult(item, None, exc)


def _patiently(
    service: GalleryService, gallery: str, request: EnrolmentRequest, caller: Caller
) -> Enrolment:
    # others use the service as well: an item waits for its turn, it is not refused
    while True:
        try:
            return service.enroll(gallery, request, caller)
        except BusyError:
            time.sleep(_BUSY_WAIT_S)
