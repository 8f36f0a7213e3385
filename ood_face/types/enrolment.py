"""What is to be enrolled, and what an enrolment did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ood_face.types.arrays import RgbImage
    from ood_face.types.decisions import Reason
    from ood_face.types.galleries import Profile, RequestToken, Subject, TemplateRecord

__all__ = [
    "EnrolledPicture",
    "Enrolment",
    "EnrolmentRequest",
    "EnrolmentStatus",
    "NearDuplicate",
    "Picture",
]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture and where it comes from.

    Attributes
    ----------
    image : uint8 array of shape (H, W, 3), RGB
    source_hash : sha256 of the bytes it was decoded from, in hex
    """

    image: RgbImage
    source_hash: str


@dataclass(frozen=True, slots=True, eq=False)
class EnrolmentRequest:
    """Pictures of one person on their way into a gallery; all of them are enrolled, or none.

    Attributes
    ----------
    subject_id : who
    pictures : each shows this person; none: the subject is made without a template
    profile : name and metadata; None: as they are, or empty
    expect : ``new``: the subject must not exist, ``known``: it must, ``any``: either
    force : enrol also where another subject has nearly the same face
    scenario : name of the thresholds; None: the gallery's
    token : makes the request idempotent; None: no key was given
    if_version : the version the caller has seen; None: whatever is there
    """

    subject_id: str
    pictures: tuple[Picture, ...] = ()
    profile: Profile | None = None
    expect: Literal["new", "known", "any"] = "any"
    force: bool = False
    scenario: str | None = None
    token: RequestToken | None = None
    if_version: int | None = None


class EnrolmentStatus(StrEnum):
    """What became of a picture.

    ``unchanged``: it was enrolled before; ``not_kept``: the subject has enough better templates.
    """

    ENROLLED = "enrolled"
    UNCHANGED = "unchanged"
    NOT_KEPT = "not_kept"


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Another subject that has nearly the same face."""

    subject_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class EnrolledPicture:
    """What became of one picture.

    Attributes
    ----------
    status : what became of it
    ood_score : of its face, 0..1; None: the model gives no score
    template : made of it; None: ``not_kept``
    reasons : what an operator should know
    """

    status: EnrolmentStatus
    ood_score: float | None
    template: TemplateRecord | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an enrolment did.

    Attributes
    ----------
    subject : as it is now
    pictures : what became of each, in the order they came
    created : the subject is new
    replayed : the request had been carried out before, and nothing was changed now
    evicted : ids of templates that had to go for better ones
    near_duplicates : other subjects with nearly the same face; not refused because it was forced
    """

    subject: Subject
    pictures: tuple[EnrolledPicture, ...]
    created: bool
    replayed: bool = False
    evicted: tuple[int, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
