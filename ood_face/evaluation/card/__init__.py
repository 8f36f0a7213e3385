"""The model card and the page of an evaluation, written from the report: no figure is typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.evaluation.card import (
    identification,
    model,
    probability,
    score,
    search_probability,
    verification,
)
from ood_face.evaluation.card.text import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["evaluation_page", "model_card"]


def model_card(
    report: Mapping[str, Any], training: Mapping[str, Any], plots: Sequence[str] = ()
) -> str:
    """Render MODEL_CARD.md.

    Parameters
    ----------
    report : what ``report.json`` holds
    training : what ``training.json`` holds; empty: not known
    plots : names of the files in ``plots/``
    """
    return joined(
        model.head(report, training),
        model.conformance(report),
        *_figures(report, plots),
        model.training(training, plots),
        model.TERMS if training else "",
    )


def evaluation_page(report: Mapping[str, Any], plots: Sequence[str] = ()) -> str:
    """Render EVALUATION.md: the figures of a model on somebody's own pictures."""
    return joined(model.data_head(report), model.conformance(report), *_figures(report, plots))


def _figures(report: Mapping[str, Any], plots: Sequence[str]) -> list[str]:
    return [
        verification.rates(report, plots),
        identification.searches(report, plots),
        verification.discard(report, plots),
        score.severity(report, plots),
        score.far(report, plots),
        score.uncertainty(report),
        score.calibration(report, plots),
        probability.probability(report, plots),
        search_probability.search_probability(report),
    ]
