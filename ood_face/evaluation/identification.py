"""Open-set identification: who is enrolled, who is searched for, and what a quality gate changes.

Half of the people are enrolled, the others are strangers, and all of them are searched for: as
they are, and degraded. With the gate, poor pictures are not enrolled, and poor probes are not
searched for: another picture is asked for, as the service does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.intervals import Resamples
from ood_face.evaluation.open_set import open_set_figures, share
from ood_face.evaluation.samples import measure_all
from ood_face.evaluation.searches import SPLITS, Probes, draw_splits, enrollable, search
from ood_face.imaging.degradations import DEGRADATIONS, degrade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.instruments import Instruments
    from ood_face.evaluation.searches import Searches, Split
    from ood_face.types import Scenario

__all__ = ["MIN_SUBJECTS", "NO_IDENTITIES", "identification_figures", "sought"]

MIN_SUBJECTS = 10
TEMPLATES = (1, 3)
MAX_PICTURES = 10_000
SEVERITIES = (0.5, 4.0)
BATCH = 64
SEED = 37
NO_IDENTITIES = "a list of pairs does not say of every two pictures whether they show one person"


def identification_figures(
    instruments: Instruments, data: TestData, measured: Probes, scenario: Scenario
) -> dict[str, Any]:
    """Error rates of 1:N searches in galleries of half the people.

    Parameters
    ----------
    measured : the features and scores of all pictures of ``data``
    scenario : the operating point, and the scores that its quality gate needs

    Returns
    -------
    figures : by kind of probe, number of templates and gate; or the ``reason`` why there are none
    """
    if not data.probes:
        return {"reason": NO_IDENTITIES}
    people, good, probes = sought(instruments, data, measured)
    subjects = enrollable(people.labels, good, 1)
    if len(subjects) < MIN_SUBJECTS:
        return {
            "reason": f"it needs {MIN_SUBJECTS} people with 2 pictures or more that may be "
            f"enrolled, got {len(subjects)}"
        }
    gates = (False,) if instruments.curve is None else (False, True)
    figures: dict[str, Any] = {
        "subjects": len(np.unique(people.labels)),
        "splits": SPLITS,
        "similarity": scenario.same_above,
        "margin": scenario.identify_needs_margin_above,
        "recapture_below": scenario.recapture_below,
        "enroll_needs_score_above": scenario.enroll_needs_score_above,
        "galleries": {},
    }
    for templates in TEMPLATES:
        enrolled = len(enrollable(people.labels, good, templates)) // 2
        if enrolled < MIN_SUBJECTS // 2:
            continue
        splits = draw_splits(people, good, templates, scenario.enroll_needs_score_above)
        figures["galleries"][f"{templates}"] = {
            "enrolled": enrolled,
            **(_enrolment(people, splits, scenario) if len(gates) > 1 else {}),
            "probes": {
                name: {
                    "with_gate" if gated else "without_gate": _searched(
                        search(people, splits, some, gated=gated), scenario, gated=gated
                    )
                    for gated in gates
                }
                for name, some in probes.items()
            },
        }
    return figures


def sought(
    instruments: Instruments, data: TestData, measured: Probes
) -> tuple[Probes, NDArray[np.bool_], dict[str, Probes]]:
    """Return who can be enrolled and what is searched for.

    Parameters
    ----------
    data : with ``probes``
    measured : the features and scores of all its pictures

    Returns
    -------
    people : so many pictures as there is room for, of whole people
    good : (N,) whether a picture may be enrolled
    probes : by kind; ``degraded``: those that may be enrolled, with a degradation each
    """
    chosen = _some_people(measured.labels)
    people, good = measured.where(chosen), data.good[chosen]
    probes = {name: people.where(mask[chosen]) for name, mask in data.probes.items()}
    probes["degraded"] = _degraded(instruments, data, people.where(good))
    return people, good, probes


def _searched(searches: Searches, scenario: Scenario, *, gated: bool) -> dict[str, Any]:
    retake: dict[str, Any] = {}
    if gated:
        # what decide_identity does: below the limit, another picture is asked for
        poor = searches.scores < scenario.recapture_below
        for name, kind in (("mated", searches.mated), ("strangers", ~searches.mated)):
            if kind.any():
                some = searches.where(kind)
                rate, between = share(poor[kind], some, Resamples.draw(some.labels))
                retake |= {f"retake_{name}": rate, f"retake_{name}_interval": between}
        searches = searches.where(~poor)
    if searches.mated.all() or not searches.mated.any():
        return retake | {"reason": "no search by enrolled people is left, or none by strangers"}
    return retake | open_set_figures(searches, scenario)


def _enrolment(people: Probes, splits: list[Split], scenario: Scenario) -> dict[str, float]:
    scores = np.concatenate([people.scores[split.plain] for split in splits])
    refused = sum(len(split.refused) for split in splits)
    enrolled = sum(len(np.unique(people.labels[split.plain])) for split in splits)
    return {
        "retake_enrolment": float(np.mean(~(scores > scenario.enroll_needs_score_above))),
        "never_enrolled": refused / enrolled,
    }


def _some_people(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    # whole people in random order, as long as there is room; the last one may lose pictures
    subjects, which = np.unique(labels, return_inverse=True)
    place = np.random.default_rng(SEED).permutation(len(subjects))
    chosen = np.zeros(len(labels), np.bool_)
    chosen[np.argsort(place[which], kind="stable")[:MAX_PICTURES]] = True
    return chosen


def _degraded(instruments: Instruments, data: TestData, clean: Probes) -> Probes:
    rng = np.random.default_rng(SEED)
    kinds = list(DEGRADATIONS)
    instruments.progress.begin("degraded faces to search for", len(clean.pictures))
    features, variances = [], []
    for start in range(0, len(clean.pictures), BATCH):
        crops = [
            degrade(
                np.asarray(data.faces.crops[index]),
                kinds[rng.integers(len(kinds))],
                float(rng.uniform(*SEVERITIES)),
                rng,
            )
            for index in clean.pictures[start : start + BATCH]
        ]
        found = measure_all(instruments.measure, np.stack(crops))
        features.append(found[0])
        variances.append(found[2])
    variance = np.concatenate(variances)
    scores = variance if instruments.curve is None else instruments.curve(variance)
    return Probes(np.concatenate(features), clean.labels, scores, clean.pictures)
