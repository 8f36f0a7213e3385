"""Errors of open-set searches: strangers taken for somebody enrolled, and enrolled people missed.

FPIR(T) is the share of searches by people who are not enrolled that find a candidate above the
similarity T. FNIR(T) is the share of searches by enrolled people whose own name is not the first
candidate, or not above T. The false positive rate grows with the gallery: it holds for its size.

The intervals resample the people who are searched for; the galleries stay as they were drawn.

References
----------
ISO/IEC 19795-1:2021, identification; Grother, Ngan and Hanaoka, NIST FRTE 1:N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.evaluation.intervals import Resamples, interval, thresholds_at_fmr, true_accept_rates
from ood_face.evaluation.verification import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.evaluation.searches import Searches
    from ood_face.types import Scenario

__all__ = ["open_set_figures", "share", "too_few_strangers"]

STATED_FPIRS = (0.1, 0.01, 0.001)
CURVE_POINTS = 60
# below every cosine: a search that names somebody else finds nobody at any threshold
_NEVER = -2.0


def open_set_figures(searches: Searches, scenario: Scenario) -> dict[str, Any]:
    """Error rates of searches, with intervals over the people searched for.

    Parameters
    ----------
    searches : by enrolled people and by strangers, at least one of each

    Returns
    -------
    figures : closed-set rank-1 rate; FNIR at each FPIR; both at the scenario's similarity, with
        and without the margin that it asks for; the curve
    """
    resamples = Resamples.draw(searches.labels)
    mated = searches.where(searches.mated)
    strangers = searches.where(~searches.mated)
    pictures = len(np.unique(strangers.pictures))
    rank1, rank1_interval = share(mated.right, mated, resamples)
    hits = np.where(searches.mated & ~searches.right, _NEVER, searches.similarity)
    return {
        "mated_searches": len(mated.labels),
        "mated_pictures": len(np.unique(mated.pictures)),
        "stranger_searches": len(strangers.labels),
        "stranger_pictures": pictures,
        "rank1": rank1,
        "rank1_interval": rank1_interval,
        "at_fpir": {
            f"{fpir:g}": _at_fpir(searches, hits, resamples, fpir) for fpir in STATED_FPIRS
        },
        "at_similarity": _at(mated, strangers, resamples, (scenario.same_above, None)),
        "with_margin": _at(
            mated,
            strangers,
            resamples,
            (scenario.same_above, scenario.identify_needs_margin_above),
        ),
        "margin": _margin(mated, resamples, scenario.identify_needs_margin_above),
        "det": _det(hits[searches.mated], strangers.similarity, pictures),
    }


def too_few_strangers(pictures: int, fpir: float) -> str | None:
    """Return why so many strangers' pictures can't support a rate; None where they can.

    By the rule of 3, as for false match rates. Pictures count once, however often searched for.
    """
    needed = int(np.ceil(3 / fpir - 1e-6))
    if pictures >= needed:
        return None
    return f"an FPIR of {fpir:g} needs {needed} pictures of strangers, got {pictures}"


def share(
    events: NDArray[np.bool_], searches: Searches, resamples: Resamples
) -> tuple[float, list[float] | None]:
    """Return the share of searches in which something happened, with its interval.

    Parameters
    ----------
    events : (N,) whether it happened
    searches : of these N; at least one
    resamples : of their subjects
    """
    rate = float(events.mean())
    where = np.searchsorted(resamples.subjects, searches.labels)
    if events.all() or not events.any():
        # nothing varies between the people; Wilson's over them says how little that proves
        return rate, list(wilson_interval(rate, len(np.unique(where))))
    count = len(resamples.subjects)
    part = resamples.counts @ np.bincount(where, events, count)
    whole = resamples.counts @ np.bincount(where, minlength=count).astype(np.float64)
    drawn = whole > 0
    return rate, interval(part[drawn] / whole[drawn])


def _at_fpir(
    searches: Searches, hits: NDArray[np.float64], resamples: Resamples, fpir: float
) -> dict[str, Any]:
    strangers = ~searches.mated
    reason = too_few_strangers(len(np.unique(searches.pictures[strangers])), fpir)
    if reason is not None:
        return {"fnir": None, "reason": reason}
    once = np.ones((1, len(hits)), np.float32)
    rates = [
        1 - true_accept_rates(hits, searches.mated, part.of(searches.labels), fpir)
        for part in resamples.parts(len(hits))
    ]
    return {
        "fnir": float(1 - true_accept_rates(hits, searches.mated, once, fpir)[0]),
        "fnir_interval": interval(np.concatenate(rates)),
        "similarity": float(thresholds_at_fmr(hits[strangers], once[:, strangers], fpir)[0]),
    }


def _at(
    mated: Searches,
    strangers: Searches,
    resamples: Resamples,
    rule: tuple[float, float | None],
) -> dict[str, Any]:
    similarity, margin = rule

    def named(searches: Searches) -> NDArray[np.bool_]:
        clear = searches.similarity > similarity
        return clear if margin is None else clear & (searches.margin > margin)

    rates = {
        "fpir": share(named(strangers), strangers, resamples),
        "fnir": share(~(named(mated) & mated.right), mated, resamples),
        "wrong_person": share(named(mated) & ~mated.right, mated, resamples),
    }
    figures: dict[str, Any] = {}
    for name, (rate, between) in rates.items():
        figures |= {name: rate, f"{name}_interval": between}
    return figures


def _margin(mated: Searches, resamples: Resamples, needed: float) -> dict[str, Any]:
    close = ~(mated.margin > needed)
    rate, between = share(close, mated, resamples)
    figures: dict[str, Any] = {"too_close": rate, "too_close_interval": between}
    for name, kind in (("too_close", close), ("clear", ~close)):
        wrong, around = (
            share(~mated.right[kind], mated.where(kind), resamples) if kind.any() else (None, None)
        )
        figures |= {f"wrong_where_{name}": wrong, f"wrong_where_{name}_interval": around}
    return figures


def _det(
    hits: NDArray[np.float64], strangers: NDArray[np.float64], pictures: int
) -> dict[str, list[float]]:
    # no rate below what the rule of 3 supports
    rates = np.geomspace(min(0.5, 3 / pictures), 1, CURVE_POINTS)
    cuts = np.quantile(strangers, 1 - rates, method="higher")
    return {
        "fpir": [float(np.mean(strangers > cut)) for cut in cuts],
        "fnir": [float(np.mean(hits <= cut)) for cut in cuts],
    }
