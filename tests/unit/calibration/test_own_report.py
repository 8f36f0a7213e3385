from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from ood_face.calibration.own_report import make_report, most_steps
from ood_face.calibration.own_report_files import report_document
from ood_face.errors import CalibrationMissingError, InputError
from ood_face.evaluation import intervals
from ood_face.evaluation.verification import fnmr_at_fmr
from ood_face.types import Scenario
from tests.unit.calibration.own_faces import apart, drawn_faces, faces_of, listed, same_model

SCENARIO = Scenario("door", recapture_below=0.4)
SECTIONS = ("scores", "similarities", "trade_off", "discard", "reliability", "operating", "same")


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 60)


class Watch:
    """Notes what is begun, and ends the work at one of these steps."""

    def __init__(self, end_at: str | None = None) -> None:
        self.begun: list[str] = []
        self._end_at = end_at

    def begin(self, what: str, total: int | None = None) -> None:  # noqa: ARG002
        if what == self._end_at:
            raise KeyboardInterrupt
        self.begun.append(what)

    def advance(self, count: int) -> None:
        raise AssertionError(count)  # a report has no pictures of its own to count


def test_every_section_of_good_data_is_made():
    found = make_report(drawn_faces(), SCENARIO, same_model(0, -1, 6), (0.01, 0.001))
    assert [name for name in SECTIONS if isinstance(getattr(found, name), InputError)] == []
    assert (found.people, found.faces, found.pictures) == (24, 120, 120)
    assert (found.mated_pairs, found.impostor_pairs) == (240, 120 * 119 // 2 - 240)


def test_people_told_apart_without_error_have_known_figures():
    found = make_report(apart(), SCENARIO, same_model(0, -2, 6), (0.01,))
    assert found.similarities.mated.counts[-1] == 12 * 6
    assert found.similarities.impostor.counts[0] == 48 * 47 // 2 - 72
    assert found.similarities.mated.edges[[0, -1]].tolist() == [0.0, 1.0]
    assert found.scores.histogram.counts[-1] == 48
    assert (found.scores.mean, found.scores.refused) == (1.0, 0)
    assert found.trade_off.fnmr[:-1].tolist() == [0.0] * (len(found.trade_off.fnmr) - 1)
    point = found.operating.rows[0].without_gate
    assert (point.threshold.value, point.fnmr.value, point.measured_fmr.value) == (0, 0, 0)
    # evidence 4 of one person, -2 of two; both kinds weigh the same
    odds = np.array([4.0, 2.0])
    wrong = 1 / (1 + np.exp(odds))
    figures = found.same.judged.figures
    assert figures["brier"].value == pytest.approx(np.mean(wrong**2))
    assert figures["ece"].value == pytest.approx(np.mean(wrong))
    assert figures["mce"].value == pytest.approx(wrong[1])
    assert figures["nll"].value == pytest.approx(np.mean(np.log1p(np.exp(-odds))))
    assert figures["accuracy"].value == 1


def test_a_calibration_that_makes_it_worse_is_none():
    found = make_report(apart(people=24), SCENARIO, None)
    assert found.reliability.key == "calibrate.worse"


def test_discarding_by_a_score_that_knows_the_misses_is_ideal():
    # the first picture of everyone shows somebody else: its pairs are missed, and it says so
    labels = np.repeat(np.arange(20), 4)
    features = np.eye(40)[labels]
    odd = np.arange(0, 80, 4)
    features[odd] = np.eye(40)[20 + np.arange(20)]
    scores = np.where(np.isin(np.arange(80), odd), 0.1, 0.9)
    found = make_report(faces_of(features, labels, scores), SCENARIO, None, (0.01,)).discard
    lines = found.lines
    assert lines["ood_score"].fnmr[0] == lines["random"].fnmr[0] == 0.5
    assert lines["ood_score"].fnmr == pytest.approx(lines["ideal"].fnmr)
    assert lines["ood_score"].area.value < lines["random"].area.value
    # half of the pairs are missed: with a share d discarded, (0.5 - d) / (1 - d) are left
    rate = found.discard_rate
    assert lines["ood_score"].fnmr == pytest.approx((0.5 - rate) / (1 - rate), abs=2e-3)


def test_the_error_versus_discard_is_at_one_in_a_thousand_or_the_smallest_rate_carried():
    assert make_report(drawn_faces(), SCENARIO, None).discard.fmr == 0.001
    few = make_report(drawn_faces(people=12), SCENARIO, None, (0.05, 0.02))
    assert few.impostor_pairs == 1650
    assert few.discard.fmr == 0.02


def test_the_trade_off_meets_the_verification_of_other_commands():
    faces = drawn_faces()
    found = make_report(faces, SCENARIO, None).trade_off
    first, second = np.triu_indices(120, 1)
    similarity = np.einsum("nd,nd->n", faces.features[first], faces.features[second], dtype=float)
    same = faces.data.faces.labels[first] == faces.data.faces.labels[second]
    at = int(np.argmin(np.abs(found.fmr - 0.01)))
    misses, _ = fnmr_at_fmr(similarity, same, float(found.fmr[at]) + 1e-9)
    assert found.fnmr[at] == pytest.approx(misses)
    assert found.smallest_fmr == 3 / 6900
    assert found.fmr.min() >= found.smallest_fmr * (1 - 1e-9)


def test_the_gate_leaves_out_pictures_and_asks_for_others():
    faces = drawn_faces()
    found = make_report(faces, SCENARIO, None, (0.01,))
    refused = int(np.sum(faces.scores < 0.4))
    assert found.scores.refused == refused > 0
    assert found.operating.retake.value == pytest.approx(refused / 120)
    row = found.operating.rows[0]
    assert row.with_gate.impostor_pairs < row.without_gate.impostor_pairs
    assert row.with_gate.fnmr.value < row.without_gate.fnmr.value


def test_calibration_is_better_on_people_it_was_not_fitted_to():
    found = make_report(drawn_faces(people=40, noise=1.6), SCENARIO, None).reliability
    assert found.after.figures["ece"].value < found.before.figures["ece"].value
    assert (found.fit_people, found.test_people) == (20, 20)
    low, high = found.after.figures["brier"].interval
    assert low <= found.after.figures["brier"].value <= high


def test_what_few_people_cannot_carry_is_refused_and_the_rest_is_made():
    found = make_report(drawn_faces(people=8), SCENARIO, same_model(0, -1, 6), (0.05, 0.001))
    assert {name: getattr(found, name).key for name in ("discard", "same", "reliability")} == {
        "discard": "trust.few_people",
        "same": "trust.few_people",
        "reliability": "calibrate.few_people",
    }
    assert "10 people are needed" in str(found.same)
    assert not isinstance(found.trade_off, InputError)
    carried, lacking = found.operating.rows
    assert carried.without_gate.fmr == 0.05
    assert "needs 3000 pairs of two people (rule of 3), there are 700" in str(lacking.without_gate)


def test_too_few_pairs_are_refused_with_what_is_needed():
    found = make_report(drawn_faces(people=12, each=2), SCENARIO, same_model(0, -1, 6))
    for name in ("trade_off", "discard", "same"):
        section = getattr(found, name)
        assert (section.key, "30 pairs of one person" in str(section)) == ("trust.few_pairs", True)
    assert "there are 12 and 264" in str(found.trade_off)


def test_no_rate_that_the_pairs_carry_leaves_no_error_versus_discard():
    found = make_report(drawn_faces(people=12), SCENARIO, None, (0.0001,))
    assert found.discard.key == "operating.too_few"
    assert "30000" in str(found.discard)


def test_pairs_of_one_kind_leave_only_the_scores():
    faces = drawn_faces()
    found = make_report(listed(faces, faces.data.pairs["pairs"].same), SCENARIO, None)
    assert not isinstance(found.scores, InputError)
    assert (found.mated_pairs, found.impostor_pairs) == (240, 0)
    assert {getattr(found, name).key for name in ("similarities", "trade_off", "operating")} == {
        "operating.one_kind"
    }


def test_a_model_without_scores_gets_what_needs_none():
    found = make_report(
        replace(drawn_faces(), scores=None), SCENARIO, same_model(0, -1, 6), (0.01,)
    )
    for name in ("scores", "discard", "same"):
        assert getattr(found, name).key == "trust.no_score"
    row = found.operating.rows[0]
    assert row.with_gate.key == "trust.no_score"
    assert not isinstance(row.without_gate, InputError)
    assert (found.operating.retake, found.operating.never) == (None, None)
    assert not isinstance(found.reliability, InputError)


def test_a_model_without_p_same_says_so():
    assert make_report(drawn_faces(), SCENARIO, None).same.key == "trust.no_same_model"


def test_p_same_of_another_model_is_no_section_but_an_error():
    with pytest.raises(CalibrationMissingError):
        make_report(drawn_faces(), SCENARIO, same_model(0, -1, 6, model_id="other@1"))


def test_one_picture_under_two_names_ends_the_report():
    faces = drawn_faces()
    crops = np.array(faces.data.faces.crops)
    crops[7] = crops[90]
    data = replace(faces.data, faces=replace(faces.data.faces, crops=crops))
    with pytest.raises(InputError, match="are the same picture, but of two people"):
        make_report(replace(faces, data=data), SCENARIO, None)


def test_a_picture_with_itself_is_no_pair():
    faces = drawn_faces()
    crops = np.array(faces.data.faces.crops)
    crops[1] = crops[0]
    data = replace(faces.data, faces=replace(faces.data.faces, crops=crops))
    assert make_report(replace(faces, data=data), SCENARIO, None).mated_pairs == 239


@pytest.mark.parametrize(
    ("fmrs", "words"),
    [
        ((), "1 to 8 false match rates, not 0"),
        ([1 / n for n in range(2, 11)], "1 to 8 false match rates, not 9"),
        ((0.1, 0.0), "above 0 and below 1, this is 0.0"),
        ((1.0,), "above 0 and below 1"),
        ((float("nan"),), "above 0 and below 1"),
    ],
)
def test_rates_that_are_none_are_refused(fmrs, words):
    with pytest.raises(InputError, match=words):
        make_report(drawn_faces(people=4), SCENARIO, None, fmrs)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": np.zeros((3, 8), np.float32)}, "one feature for each of 120 faces"),
        ({"features": np.full((120, 8), np.nan, np.float32)}, "no finite numbers"),
        ({"scores": np.full(120, 1.5, np.float32)}, "one score in 0..1 for each of 120"),
        ({"scores": np.full(120, np.nan, np.float32)}, "one score in 0..1"),
        ({"scores": np.ones(119, np.float32)}, "one score in 0..1 for each of 120"),
    ],
)
def test_measurements_that_are_none_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        replace(drawn_faces(), **changes)


def test_the_same_pictures_give_the_same_report():
    one, two = (
        report_document(make_report(drawn_faces(), SCENARIO, same_model(0, -1, 6)))
        for _ in range(2)
    )
    assert one == two
    assert one != report_document(make_report(drawn_faces(seed=1), SCENARIO, same_model(0, -1, 6)))


def test_it_tells_each_section_and_ends_where_it_is_told_to():
    watch = Watch()
    make_report(drawn_faces(), SCENARIO, None, (0.01,), watch)
    assert len(watch.begun) == most_steps((0.01,)) == len(SECTIONS) + 3
    assert "operating point, FMR 0.01, with gate" in watch.begun
    for step in watch.begun:
        with pytest.raises(KeyboardInterrupt):
            make_report(drawn_faces(), SCENARIO, None, (0.01,), Watch(step))


def test_the_report_names_each_of_its_sections():
    names = [field.name for field in fields(make_report(apart(), SCENARIO, None))]
    assert set(SECTIONS) <= set(names)
