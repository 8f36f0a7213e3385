"""What the card says of P(same), from figures of made-up pairs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ood_face.calibration.same import fit_same
from ood_face.calibration.same_figures import same_figures
from ood_face.evaluation import intervals
from ood_face.evaluation.card.probability import probability
from tests.unit.calibration.people import made_up


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 30)
    pairs = made_up(80, 80)
    kinds = ("cfp_ff", "cfp_ff_recombined", "cfp_ff_degraded")
    kind = np.where(pairs.same, 2 * (np.arange(len(pairs)) % 2), np.arange(len(pairs)) % 3)
    pairs = replace(pairs, kind=kind, kinds=kinds)
    return same_figures(pairs, fit_same(pairs, "m@1", resamples=5))


def section(figures) -> str:
    return probability({"same_probability": figures, "command": "ood-face evaluate"}, [])


def test_every_number_of_the_table_is_one_of_the_report(figures):
    json.dumps(figures, allow_nan=False)
    text = section(figures)
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert set(figures["sets"]) == {"cfp_ff", "cfp_ff_degraded", "all", "all_degraded"}
    # a head in each table, and a row for each way and for each difference
    assert len(lines) == 2 + 7 * 3 + 7 * 1
    brier = figures["sets"]["all_degraded"]["methods"]["with_scores"]["brier"]["value"]
    (row,) = [x for x in lines if "**all degraded pairs**" in x and "and both scores" in x]
    assert f"| {brier:.4f} (" in row
    assert "| CFP frontal-frontal, degraded |" in text
    assert f"At a similarity of {figures['shipped']['pivot']:.3f} the scores say nothing" in text
    assert "0.5, both kinds of pairs weigh the same" in text


def test_what_was_not_measured_is_said():
    assert "Not measured: too little." in section({"reason": "too little"})
    assert probability({"command": "x"}, []) == ""


def test_a_model_without_its_own_p_same_has_no_row_of_it(figures):
    assert "as it is" in section(figures)
    for group in ("sets", "thirds"):
        for found in figures[group].values():
            del found["methods"]["shipped"]
    del figures["shipped"]
    assert "as it is" not in section(figures).replace("pairs as they are", "")
