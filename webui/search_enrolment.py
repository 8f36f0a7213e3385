"""Enrolling many pictures in the background: what is planned, and what became of each."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from ood_face.errors import BackendError, InputError, OodFaceError, SubjectNotFoundError
from ood_face.imaging import decode
from ood_face.service import BulkItem, enroll_each
from ood_face.types import Picture, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import NoReturn

    from ood_face.service import BulkResult, GalleryService, WorkFeed
    from ood_face.types import Caller, EnrolledPicture, NearDuplicate
    from webui.bundle_people import Grouping, PersonPicture
    from webui.job_progress import Progress
    from webui.uploads import Limits

__all__ = ["EnrolReport", "EnrolRow", "EnrolTask", "Plan", "RowStatus", "plan_of"]

RowStatus = Literal["enrolled", "unchanged", "not_kept", "refused"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom a bundle shows.

    Attributes
    ----------
    bundle_id : of the bundle
    grouping : how the pictures were dealt out
    people : name as it was sent, and number of pictures, in their order
    loose : pictures that lie in no person's folder
    problem : why there is no plan; None: there is one
    """

    bundle_id: str
    grouping: Grouping
    people: tuple[tuple[str, int], ...] = ()
    loose: int = 0
    problem: OodFaceError | None = None

    @property
    def pictures(self) -> int:
        """How many pictures show somebody."""
        return sum(count for _, count in self.people)


def plan_of(bundle_id: str, grouping: Grouping, pictures: Sequence[PersonPicture]) -> Plan:
    """Return the plan of a bundle's pictures."""
    counts = Counter(picture.person for picture in pictures)
    loose = counts.pop(None, 0)
    people = tuple((person, count) for person, count in counts.items() if person is not None)
    return Plan(bundle_id, grouping, people, loose)


@dataclass(frozen=True, slots=True, eq=False)
class EnrolRow:
    """What became of one picture.

    Attributes
    ----------
    file : as its owner calls it
    subject_id : whom it was to show
    status : what became of it
    picture : with its score and what an operator should know; None: it was refused
    error : why it was refused; None: it was not
    near : other subjects with nearly the same face, where that was forced
    """

    file: str
    subject_id: str
    status: RowStatus
    picture: EnrolledPicture | None = None
    error: OodFaceError | None = None
    near: tuple[NearDuplicate, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EnrolReport:
    """What an enrolment did.

    Attributes
    ----------
    gallery : where
    rows : one for each picture that had its turn
    total : pictures there were
    created : subjects that are new
    error : why it ended early; None: it did not, or was cancelled
    """

    gallery: str
    rows: tuple[EnrolRow, ...]
    total: int
    created: int
    error: OodFaceError | None = None

    def count(self, status: RowStatus) -> int:
        """How many pictures came to this end."""
        return sum(row.status == status for row in self.rows)

    @property
    def people(self) -> int:
        """How many subjects have a picture that was enrolled."""
        return len({row.subject_id for row in self.rows if row.status == "enrolled"})


@dataclass(frozen=True, slots=True, eq=False)
class EnrolTask:
    """Work for the background: enrols one picture after the other; called, it does so.

    Attributes
    ----------
    galleries : enrols
    gallery : its name
    pictures : whom each shows; all show somebody
    limits : on each
    caller : for the audit log
    force : enrol also faces that another subject has already
    name : for all of them; None: the name that was sent, where the id had to differ from it
    """

    galleries: GalleryService
    gallery: str
    pictures: Sequence[PersonPicture]
    limits: Limits
    caller: Caller
    force: bool = False
    name: str | None = None

    def __call__(self, progress: Progress) -> EnrolReport:
        """Enrol until all is done or nobody wants it any more; return what was done."""
        rows: list[EnrolRow] = []
        created = 0
        error: OodFaceError | None = None
        results = enroll_each(
            self.galleries,
            self.gallery,
            self._items(progress),
            force=self.force,
            caller=self.caller,
        )
        try:
            for result in results:
                rows.append(_row(result))
                created += result.enrolment is not None and result.enrolment.created
        except BackendError as exc:
            error = exc
        return EnrolReport(self.gallery, tuple(rows), len(self.pictures), created, error)

    def _items(self, progress: Progress) -> Iterator[BulkItem]:
        first_names: dict[str, str] = {}
        for done, picture in enumerate(self.pictures):
            if progress.cancelled:
                return
            progress.tell(done, len(self.pictures), picture.file.name)
            person = picture.person or ""
            if first_names.setdefault(picture.subject_id, person) != person:
                other = first_names[picture.subject_id]
                yield self._refused(picture, _two_names(picture.subject_id, person, other))
            else:
                yield self._item(picture, person)

    def _item(self, picture: PersonPicture, person: str) -> BulkItem:
        read = partial(_read, picture.file.read, self.limits, self.galleries.work)
        try:
            profile = self._profile(picture, person)
        except InputError as exc:
            return self._refused(picture, exc)
        return BulkItem(picture.subject_id, (read,), profile, picture.file.name)

    def _profile(self, picture: PersonPicture, person: str) -> Profile | None:
        name = self.name
        if name is None and person != picture.subject_id:
            name = person
        if name is None:
            return None
        try:
            present = self.galleries.subject(self.gallery, picture.subject_id).profile
        except SubjectNotFoundError:
            return Profile(name)
        # who is there already is called otherwise only where the visitor says so
        changes = self.name is not None and present.name != name
        return Profile(name, present.metadata) if changes else None

    def _refused(self, picture: PersonPicture, error: InputError) -> BulkItem:
        # refused when its turn comes, so that the report names it in its place
        def read() -> NoReturn:
            raise error

        return BulkItem(picture.subject_id, (read,), label=picture.file.name)


def _read(load: Callable[[], bytes], limits: Limits, work: WorkFeed) -> Picture:
    data = load()
    with work.stage("decode"):
        image = decode(data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)
    return Picture(image, hashlib.sha256(data).hexdigest())


def _row(result: BulkResult) -> EnrolRow:
    item, enrolment = result.item, result.enrolment
    if enrolment is None:
        return EnrolRow(item.label, item.subject_id, "refused", error=result.error)
    (picture,) = enrolment.pictures
    status: RowStatus = picture.status.value
    return EnrolRow(item.label, item.subject_id, status, picture, near=enrolment.near_duplicates)


def _two_names(subject_id: str, person: str, other: str) -> InputError:
    return InputError(
        "enroll.two_names",
        "{person} and {other} would both get the id {subject}; rename one of them",
        person=person,
        other=other,
        subject=subject_id,
    )
