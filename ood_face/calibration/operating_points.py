"""Operating points: the threshold for a false match rate, and what it costs, on one's own data.

The false positive rate of a search grows with the gallery. If the similarities of a stranger with
the ``N`` people enrolled, one picture of each, are independent, a search names somebody wrongly
with ``FPIR = 1 - (1 - FMR)^N``; so the threshold for an FPIR is that for the false match rate
``1 - (1 - FPIR)^(1/N)``. People who look alike make the true rate a little lower than that, and
several pictures of each person make it higher: count pictures then, not people.

By the rule of 3 (ISO/IEC 19795-1) a false match rate needs ``3 / FMR`` impostor pairs: fewer, all
of which are told apart, leave 5 % for a true rate above it. No threshold is given without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError
from ood_face.evaluation.intervals import Resamples, interval
from ood_face.evaluation.verification import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.calibration.trials import Kind, Trials

__all__ = [
    "OperatingPoint",
    "Rate",
    "check_impostors",
    "check_rate",
    "fmr_for_fpir",
    "operating_point",
    "retakes",
]

# a resample's threshold lies among so many times the impostors that the rate allows
_TAIL = 20
_TAIL_AT_LEAST = 200


@dataclass(frozen=True, slots=True)
class Rate:
    """A number with its 95 % interval; the interval is None where no resample gave one."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and the errors there.

    Attributes
    ----------
    fmr : the false match rate asked for
    threshold : the lowest similarity above which at most that share of impostor pairs lies
    fnmr : share of mated pairs that are not above it
    measured_fmr : share of impostor pairs that are above it; its interval is over the people, and
        never narrower than if every pair were of two others
    mated_pairs, impostor_pairs : how many decided this
    """

    fmr: float
    threshold: Rate
    fnmr: Rate
    measured_fmr: Rate
    mated_pairs: int
    impostor_pairs: int


def fmr_for_fpir(fpir: float, gallery_size: int) -> float:
    """Return the false match rate that leads to a false positive identification rate.

    Parameters
    ----------
    fpir : above 0, below 1
    gallery_size : pictures enrolled, 1 at least

    Raises
    ------
    InputError
        One of them is out of range.
    """
    check_rate(fpir)
    if gallery_size < 1:
        raise InputError(
            "operating.gallery_size",
            "a gallery has 1 picture at least, not {got}",
            got=gallery_size,
        )
    return float(-np.expm1(np.log1p(-fpir) / gallery_size))


def operating_point(trials: Trials, fmr: float) -> OperatingPoint:
    """Find the threshold for a false match rate, with intervals over the people.

    Raises
    ------
    InputError
        The rate is out of range, there are too few impostor pairs for it (says how many are
        needed), or no mated pair.
    """
    check_rate(fmr)
    impostor, mated = trials.impostor, trials.mated
    check_impostors(len(impostor.similarity), fmr)
    if not len(mated.similarity):
        raise InputError("operating.no_mated", "there is no pair of one person left to be missed")
    falling = np.sort(impostor.similarity)[::-1]
    threshold = float(falling[int(np.floor(fmr * len(falling) + 1e-9))])
    fnmr = float(np.mean(mated.similarity <= threshold))
    measured = float(np.mean(impostor.similarity > threshold))
    thresholds, misses, matches = _resampled(trials, fmr, threshold)
    return OperatingPoint(
        fmr=fmr,
        threshold=Rate(threshold, _two(interval(thresholds))),
        fnmr=Rate(fnmr, _two(interval(misses))),
        measured_fmr=Rate(measured, _wider(_two(interval(matches)), measured, len(falling))),
        mated_pairs=len(mated.similarity),
        impostor_pairs=len(falling),
    )


def check_impostors(count: int, fmr: float) -> None:
    """Raise InputError, which says how many are needed, unless so many impostor pairs will do."""
    needed = int(np.ceil(3 / fmr - 1e-6))
    if count < needed:
        raise InputError(
            "operating.too_few",
            "a false match rate of {fmr:g} needs {needed} pairs of two people (rule of 3), there "
            "are {got}",
            fmr=fmr,
            needed=needed,
            got=count,
        )


def retakes(trials: Trials) -> dict[str, Any]:
    """Return what the quality gate asks of people.

    Returns
    -------
    people : how many there are
    share : of the people who come with one of their pictures, each as likely as the other: how
        many are asked for another, with its interval
    never : share of people none of whose pictures passes
    """
    people, where = np.unique(trials.people, return_inverse=True)
    refused = np.bincount(where, ~trials.passed) / np.bincount(where)
    counts = Resamples.draw(people).counts
    drawn = counts @ refused / counts.sum(axis=1)
    return {
        "people": len(people),
        "share": Rate(float(refused.mean()), _two(interval(drawn))),
        "never": float(np.mean(refused == 1)),
    }


def _resampled(
    trials: Trials, fmr: float, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    # (R,) thresholds, FNMR at them, and FMR at the threshold that was found
    impostor, mated, people = trials.impostor, trials.mated, trials.people
    tail = min(
        len(impostor.similarity), max(_TAIL_AT_LEAST, int(_TAIL * fmr * len(impostor.similarity)))
    )
    highest = np.argsort(-impostor.similarity, kind="stable")[:tail]
    falling = impostor.similarity[highest]
    order = np.argsort(mated.similarity, kind="stable")
    rising = mated.similarity[order]
    matching = int(np.sum(falling > threshold))
    thresholds, misses, matches = [], [], []
    for part in Resamples.draw(people).parts(tail + len(order)):
        of_picture = part.of(people)
        weights = of_picture[:, impostor.first[highest]] * of_picture[:, impostor.second[highest]]
        above = np.cumsum(weights, axis=1, dtype=np.float64)
        totals = _totals(part, impostor, people)
        allowed = np.sum(above <= fmr * totals[:, None] + 1e-9, axis=1)
        cut = falling[np.minimum(allowed, tail - 1)]
        held = of_picture[:, mated.first[order]].astype(np.float64)
        running = np.concatenate([np.zeros((len(held), 1)), np.cumsum(held, axis=1)], axis=1)
        at = np.searchsorted(rising, cut, side="right")
        thresholds.append(cut)
        total = running[:, -1]
        missed = running[np.arange(len(held)), at]
        misses.append(np.where(total > 0, missed / np.maximum(total, 1), np.nan))
        wrong = above[:, matching - 1] if matching else np.zeros(len(above))
        matches.append(np.where(totals > 0, wrong / np.maximum(totals, 1), np.nan))
    return np.concatenate(thresholds), np.concatenate(misses), np.concatenate(matches)


def _totals(part: Resamples, impostor: Kind, people: NDArray[np.int64]) -> NDArray[np.float64]:
    # (R,) weight of all impostor pairs: of each two people at once, since it is the same for all
    size = len(part.subjects)
    one = np.searchsorted(part.subjects, people[impostor.first])
    other = np.searchsorted(part.subjects, people[impostor.second])
    pairs, counts = np.unique(one * size + other, return_counts=True)
    totals = np.zeros(len(part.counts))
    for block in np.array_split(np.arange(len(pairs)), max(1, len(pairs) // 20_000)):
        first, second = np.divmod(pairs[block], size)
        totals += (part.counts[:, first] * part.counts[:, second]) @ counts[block].astype(float)
    return totals


def check_rate(rate: float) -> None:
    """Raise InputError unless this can be an error rate to ask for: above 0, below 1."""
    if not 0 < rate < 1:
        raise InputError(
            "operating.rate", "an error rate lies above 0 and below 1, this is {got}", got=rate
        )


def _wider(drawn: tuple[float, float] | None, rate: float, pairs: int) -> tuple[float, float]:
    low, high = wilson_interval(rate, pairs)
    return (low, high) if drawn is None else (min(low, drawn[0]), max(high, drawn[1]))


def _two(ends: list[float] | None) -> tuple[float, float] | None:
    return None if ends is None else (ends[0], ends[1])
