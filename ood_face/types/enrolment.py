"""What an enrolment did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_face.types.decisions import Reason
    from ood_face.types.galleries import Subject, TemplateRecord

__all__ = ["Enrolment", "EnrolmentStatus", "NearDuplicate"]


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
class Enrolment:
    """What an enrolment did.

    Attributes
    ----------
    subject : as it is now
    status : what became of the picture
    template : of the picture; None: ``not_kept``
    evicted : template ids that had to go for a better one
    near_duplicates : other subjects with nearly the same face; enrolled because it was forced
    reasons : what an operator should know
    """

    subject: Subject
    status: EnrolmentStatus
    template: TemplateRecord | None
    evicted: tuple[int, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
    reasons: tuple[Reason, ...] = ()
