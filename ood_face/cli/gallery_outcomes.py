"""What became of each picture of a bulk enrolment, in words, as JSON, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ood_face.messages import error_sentence, reason_sentence, translate
from ood_face.types import EnrolmentStatus

if TYPE_CHECKING:
    from ood_face.messages import Language
    from ood_face.service import BulkResult
    from ood_face.types import NearDuplicate

__all__ = ["REFUSED", "Outcome", "Tally", "outcome_of"]

REFUSED = "refused"
STATUSES = (*(status.value for status in EnrolmentStatus), REFUSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture.

    Attributes
    ----------
    picture : what it is called in its source
    subject_id : whom it was to show
    status : ``enrolled``, ``unchanged``, ``not_kept`` or ``refused``
    ood_score : of its face, 0..1; None: unknown
    template_id : made of it; None: there is none
    code : key of the error that refused it; None: it was not refused
    reasons : sentences
    """

    picture: str
    subject_id: str
    status: str
    ood_score: float | None = None
    template_id: int | None = None
    code: str | None = None
    reasons: tuple[str, ...] = ()

    def json(self, language: Language) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "picture": self.picture,
            "subject_id": self.subject_id,
            "status": self.status,
            "status_name": translate(f"status.{self.status}", {}, language),
            "ood_score": self.ood_score,
            "template_id": self.template_id,
            "code": self.code,
            "reasons": list(self.reasons),
        }


class Tally:
    """How many pictures came to which end.

    Parameters
    ----------
    total : how many there are to be
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()

    def count(self, outcome: Outcome) -> None:
        """Count one picture."""
        self._counts[outcome.status] += 1

    @property
    def pictures(self) -> int:
        """How many there were."""
        return self._counts.total()

    @property
    def interrupted(self) -> bool:
        """Whether pictures are left."""
        return self.pictures < self._total

    @property
    def refused(self) -> int:
        """How many were refused."""
        return self._counts[REFUSED]

    def numbers(self) -> dict[str, int]:
        """Return the number of each status, and of all ``pictures``."""
        return {"pictures": self.pictures} | {s: self._counts[s] for s in STATUSES}


def outcome_of(result: BulkResult, language: Language) -> Outcome:
    """Return what became of an item of one picture."""
    item, error = result.item, result.error
    if result.enrolment is None:
        code, reason = ("", "") if error is None else (error.key, error_sentence(error, language))
        return Outcome(item.label, item.subject_id, REFUSED, code=code, reasons=(reason,))
    (picture,) = result.enrolment.pictures
    template = picture.template
    forced = (
        translate("command.enroll_forced", _likeness(other), language)
        for other in result.enrolment.near_duplicates
    )
    return Outcome(
        picture=item.label,
        subject_id=item.subject_id,
        status=picture.status.value,
        ood_score=picture.ood_score,
        template_id=None if template is None else template.template_id,
        reasons=(*(reason_sentence(reason, language) for reason in picture.reasons), *forced),
    )


def _likeness(other: NearDuplicate) -> dict[str, object]:
    return {"subject": other.subject_id, "similarity": other.similarity}
