"""Which pictures may be enrolled, and which templates of a subject are kept: no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.errors import DuplicateFaceError, LowQualityError
from ood_face.types import NearDuplicate, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ood_face.types import Scenario, TemplateRecord

__all__ = ["check_quality", "choose_templates", "likeness_reasons", "near_duplicates"]


def check_quality(ood_score: float | None, scenario: Scenario) -> tuple[Reason, ...]:
    """Refuse a face that is too poor to be enrolled.

    Parameters
    ----------
    ood_score : of the face, 0..1; None: the model gives no score, which is noted, not refused
    scenario : with the lowest score that will do

    Raises
    ------
    LowQualityError
        The score does not exceed ``enroll_needs_score_above``.
    """
    if ood_score is None:
        return (Reason("enroll.no_score"),)
    needed = scenario.enroll_needs_score_above
    if not ood_score > needed:
        raise LowQualityError(
            "enroll.low_quality",
            "the face's quality {score:.3f} does not exceed the {needed:.3f} that enrolment needs "
            "in scenario {scenario}: take the picture again, sharp, well lit and facing the camera",
            score=ood_score,
            needed=needed,
            scenario=scenario.name,
        )
    return ()


def near_duplicates(
    found: Iterable[tuple[str, float]], subject_id: str, scenario: Scenario, *, force: bool
) -> tuple[NearDuplicate, ...]:
    """Return the other subjects that would be taken for this one.

    Parameters
    ----------
    found : subject ids and similarities of the templates nearest to the new face
    subject_id : who is being enrolled
    scenario : two faces above its ``same_above`` are the same person
    force : return them; otherwise they are an error

    Raises
    ------
    DuplicateFaceError
        There is one, and it is not forced; names the most similar.
    """
    best: dict[str, float] = {}
    for other, similarity in found:
        if other != subject_id and similarity > scenario.same_above:
            best[other] = max(similarity, best.get(other, similarity))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    if ranked and not force:
        other, similarity = ranked[0]
        raise DuplicateFaceError(
            "enroll.duplicate_face",
            "the face belongs to subject {subject} already (similarity {similarity:.3f}, above "
            "{threshold:.3f}); add the picture to that subject, or force the enrolment",
            subject=other,
            similarity=similarity,
            threshold=scenario.same_above,
        )
    return tuple(NearDuplicate(other, similarity) for other, similarity in ranked)


def choose_templates(
    present: Sequence[TemplateRecord], new_scores: Sequence[float | None], keep: int
) -> tuple[list[int], list[int]]:
    """Say which templates a subject keeps: those with the highest scores.

    Of equal scores, those that are there stay, and earlier pictures come first. Where the model
    gives no scores, the newest templates are kept.

    Parameters
    ----------
    present : the templates there are, oldest first
    new_scores : of the new ones, in their order
    keep : so many are kept

    Returns
    -------
    accepted : positions in ``new_scores``, ascending
    evicted : template ids that have to go
    """
    scored = all(record.ood_score is not None for record in present) and None not in new_scores
    total = len(present) + len(new_scores)
    # (score or 0, earlier first or later first): the best come first when sorted
    order = [
        (-(record.ood_score or 0.0) if scored else 0.0, i if scored else total - i)
        for i, record in enumerate(present)
    ]
    order += [
        (
            -(score or 0.0) if scored else 0.0,
            len(present) + j if scored else total - len(present) - j,
        )
        for j, score in enumerate(new_scores)
    ]
    kept = set(sorted(range(total), key=order.__getitem__)[:keep])
    accepted = [j for j in range(len(new_scores)) if len(present) + j in kept]
    evicted = [record.template_id for i, record in enumerate(present) if i not in kept]
    return accepted, evicted


def likeness_reasons(similarity: float | None, scenario: Scenario) -> tuple[Reason, ...]:
    """Warn where a new picture does not look like the subject's others.

    Parameters
    ----------
    similarity : highest cosine with the subject's templates; None: there are none
    scenario : two faces below its ``different_below`` are different people
    """
    if similarity is None or similarity >= scenario.different_below:
        return ()
    return (
        Reason("enroll.unlike", {"similarity": similarity, "threshold": scenario.different_below}),
    )
