"""From the templates a search found to ranked subjects, and to what that means: no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.matching.decision import decide
from ood_face.types import Candidate, IdentifyVerdict, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ood_face.types import EnrolledSubject, Scenario

__all__ = [
    "decide_identity",
    "decide_verification",
    "rank",
    "subject_ids_of",
    "with_features",
]

# what `decide` says of the second face is, here, said of an enrolled template
_OF_TEMPLATES = {
    "quality.poor_a": "quality.poor_probe",
    "quality.poor_b": "quality.poor_template",
    "quality.insufficient_a": "quality.insufficient_probe",
    "quality.insufficient_b": "quality.insufficient_template",
    "quality.poor_accepted_a": "quality.poor_accepted_probe",
    "quality.poor_accepted_b": "quality.poor_accepted_template",
    "quality.poor_counted_a": "quality.poor_counted_probe",
    "quality.poor_counted_b": "quality.poor_counted_template",
}
_OF_SEARCHES = {
    "similarity.above": "identify.above",
    "similarity.between": "identify.between",
    "similarity.below": "identify.below",
    "probability.above": "identify.probability_above",
    "probability.between": "identify.probability_between",
    "probability.below": "identify.probability_below",
    "probability.likelier_same": "identify.likelier_enrolled",
    "probability.likelier_different": "identify.likelier_another",
}
_ABOUT_PROBE = ("quality.poor_a", "quality.insufficient_a")


def subject_ids_of(hits: Iterable[tuple[str, float]], count: int) -> list[str]:
    """Return the subjects of hits, best first, each once, at most ``count``."""
    ranked = sorted(hits, key=lambda hit: -hit[1])
    return list(dict.fromkeys(subject_id for subject_id, _ in ranked))[:count]


def rank(feature: NDArray[np.float32], enrolled: Sequence[EnrolledSubject]) -> list[Candidate]:
    """Compare a probe with subjects by all their templates.

    The similarity of a subject is that of its best template: the thresholds are those of two
    single faces. The fused similarity is the cosine with the mean of its features, each weighted
    by its score; one lucky template weighs less in it.

    Parameters
    ----------
    feature : float32 array of shape (512,), unit norm
    enrolled : subjects with at least one template; others are left out

    Returns
    -------
    candidates : by similarity, best first; equal ones by subject id
    """
    candidates = [
        _candidate(feature.astype(np.float64), one) for one in enrolled if len(one.features)
    ]
    return sorted(candidates, key=lambda one: (-one.similarity, one.subject_id))


def with_features(
    candidates: Iterable[Candidate], enrolled: Iterable[EnrolledSubject]
) -> list[tuple[Candidate, NDArray[np.float32]]]:
    """Return candidates with the feature, float32 of shape (512,), of their best template."""
    features = {
        record.template_id: feature
        for one in enrolled
        for record, feature in zip(one.subject.templates, one.features, strict=True)
    }
    return [(candidate, features[candidate.template_id]) for candidate in candidates]


def _candidate(feature: NDArray[np.float64], one: EnrolledSubject) -> Candidate:
    features = one.features.astype(np.float64)
    similarities = np.clip(features @ feature, -1.0, 1.0)
    best = int(similarities.argmax())
    records = one.subject.templates
    scores = np.array([np.nan if r.ood_score is None else r.ood_score for r in records])
    weights = np.ones(len(records)) if np.isnan(scores).any() else np.maximum(scores, 1e-3)
    mean = weights @ features
    norm = float(np.linalg.norm(mean))
    # opposite features may cancel out; then their mean says nothing
    fused = (
        float(similarities[best]) if norm < 1e-6 else float(np.clip(mean @ feature / norm, -1, 1))
    )
    return Candidate(
        subject_id=one.subject.subject_id,
        name=one.subject.profile.name,
        similarity=float(similarities[best]),
        fused_similarity=fused,
        template_id=records[best].template_id,
        ood_score=records[best].ood_score,
    )


def decide_identity(
    ood_score: float | None, candidates: Sequence[Candidate], scenario: Scenario
) -> tuple[IdentifyVerdict, tuple[Reason, ...], float | None]:
    """Say who a probe is, whether it is nobody here, or what stands in the way.

    The first candidate is judged as two pictures are (:func:`ood_face.matching.decision.decide`).
    Then a match that the second candidate comes too close to goes to ``review``, and a fault of
    the enrolled picture, which no new probe can mend, goes there as well.

    Parameters
    ----------
    ood_score : of the probe, 0..1; None: nobody knows
    candidates : best first
    scenario : the thresholds

    Returns
    -------
    verdict : what to do
    reasons : why, most important first
    margin : similarity of the first less that of the second; None: there are no two
    """
    if not candidates:
        if ood_score is not None and ood_score < scenario.recapture_below:
            poor = Reason(
                "quality.poor_probe", {"score": ood_score, "threshold": scenario.recapture_below}
            )
            return IdentifyVerdict.RECAPTURE, (poor,), None
        return IdentifyVerdict.UNKNOWN, (Reason("identify.empty"),), None
    first = candidates[0]
    margin = first.similarity - candidates[1].similarity if len(candidates) > 1 else None
    judged, told = decide(first.similarity, ood_score, first.ood_score, scenario, first.probability)
    reasons = _renamed(told, _OF_TEMPLATES | _OF_SEARCHES)
    if judged is Verdict.RECAPTURE and not any(reason.key in _ABOUT_PROBE for reason in told):
        return IdentifyVerdict.REVIEW, reasons, margin
    needed = scenario.identify_needs_margin_above
    if judged is Verdict.SAME and margin is not None and not margin > needed:
        close = Reason("identify.ambiguous", {"margin": margin, "threshold": needed})
        return IdentifyVerdict.REVIEW, (close, *reasons), margin
    verdicts = {
        Verdict.SAME: IdentifyVerdict.IDENTIFIED,
        Verdict.REVIEW: IdentifyVerdict.REVIEW,
        Verdict.DIFFERENT: IdentifyVerdict.UNKNOWN,
        Verdict.RECAPTURE: IdentifyVerdict.RECAPTURE,
    }
    return verdicts[judged], reasons, margin


def decide_verification(
    ood_score: float | None, candidate: Candidate, scenario: Scenario
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Say whether a probe is the subject it claims to be.

    A poor enrolled template, which no new probe can mend, leads to ``review``.

    Parameters
    ----------
    ood_score : of the probe, 0..1; None: nobody knows
    candidate : the subject
    scenario : the thresholds
    """
    verdict, told = decide(
        candidate.similarity, ood_score, candidate.ood_score, scenario, candidate.probability
    )
    if verdict is Verdict.RECAPTURE and not any(reason.key in _ABOUT_PROBE for reason in told):
        verdict = Verdict.REVIEW
    return verdict, _renamed(told, _OF_TEMPLATES)


def _renamed(reasons: tuple[Reason, ...], names: dict[str, str]) -> tuple[Reason, ...]:
    return tuple(Reason(names.get(reason.key, reason.key), reason.values) for reason in reasons)
