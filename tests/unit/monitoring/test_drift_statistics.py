from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ood_face.monitoring.drift_statistics import (
    bin_counts,
    decile_edges,
    ks_distance,
    stability_index,
)


def test_deciles_part_values_into_ten_equal_bins():
    values = np.arange(1000) / 1000

    edges = decile_edges(values)

    assert edges == pytest.approx(np.arange(1, 10) * 0.0999, abs=1e-12)
    assert bin_counts(values, edges).tolist() == [100] * 10


def test_tied_values_share_a_bin():
    values = [0.0] * 50 + [1.0] * 50

    edges = decile_edges(values)

    assert bin_counts(values, edges).tolist()[-1] == 50
    assert bin_counts(values, edges).sum() == 100
    assert (np.diff(edges) > 0).all()


def test_one_value_over_and_over_is_no_failure():
    edges = decile_edges([0.3] * 20)

    assert edges.tolist() == [0.3]
    assert bin_counts([0.2, 0.3, 0.4], edges).tolist() == [1, 2]


def test_psi_worked_out_by_hand():
    # with half an item added: reference 0.5, 0.5; window 20.5 / 101, 80.5 / 101
    low, high = 20.5 / 101, 80.5 / 101
    expected = (low - 0.5) * math.log(low / 0.5) + (high - 0.5) * math.log(high / 0.5)

    assert stability_index([500, 500], [20, 80]) == pytest.approx(expected)


def test_psi_of_a_bin_that_is_empty_is_finite():
    expected = (10.5 / 11 - 0.5) * math.log(10.5 / 5.5) + (0.5 / 11 - 0.5) * math.log(0.5 / 5.5)

    assert stability_index([100, 100], [10, 0]) == pytest.approx(expected)


# of samples this small scipy finds no p-value; only the statistic is compared
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=60),
    st.lists(st.integers(0, 9), min_size=2, max_size=60),
)
def test_the_ks_distance_is_that_of_scipy(first, second):
    counts = (np.bincount(values, minlength=10) for values in (first, second))

    expected = stats.ks_2samp(first, second, method="exact").statistic

    assert float(ks_distance(*counts)) == pytest.approx(expected, abs=1e-12)


def test_windows_are_compared_many_at_once():
    reference = np.full(10, 100)
    windows = np.array([[20] * 10, [200] + [0] * 9])

    assert ks_distance(reference, windows).tolist() == pytest.approx([0.0, 0.9])
    together = stability_index(reference, windows)
    assert together.tolist() == [stability_index(reference, row).item() for row in windows]
