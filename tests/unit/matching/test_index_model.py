"""An index and a plain search over everything, changed alike at random, say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ood_face.matching.index import GalleryIndex
from tests.fakes.truth import FakeTruth, clustered

LIMIT = 640
POOL = clustered(4000)
PROBES = np.concatenate([clustered(3, seed=1), POOL[::1000]])


class IndexAndTruth(RuleBasedStateMachine):
    @initialize(count=st.sampled_from([0, 5, LIMIT - 2]))
    def start(self, count):
        self.truth = FakeTruth()
        self.index = GalleryIndex(self.truth.fetch, LIMIT)
        self.next_row = 0
        self.add(count)

    @rule(count=st.one_of(st.integers(0, 40), st.just(200)))
    def add(self, count):
        rows = np.arange(self.next_row, self.next_row + count) % len(POOL)
        # ids come in any order; no id comes twice
        ids = (np.arange(self.next_row, self.next_row + count) * 37) % 100_003 + 1
        self.next_row += count
        self.truth.put(ids, POOL[rows])
        self.index.add(ids, POOL[rows])

    @rule(data=st.data())
    def remove(self, data):
        there = sorted(self.truth.features)
        share = data.draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
        seed = data.draw(st.integers(0, 9))
        gone = np.random.default_rng(seed).permutation(np.array(there, np.int64))
        gone = gone[: round(share * len(there))]
        self.truth.drop(gone)
        self.index.remove(np.concatenate([gone, [200_000]]))

    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            self.index.save(path, "model")
            self.index = GalleryIndex.load(path, "model", self.truth.fetch, LIMIT)

    @invariant()
    def the_same_is_found(self):
        np.testing.assert_array_equal(self.index.ids(), sorted(self.truth.features))
        similarities, ids = self.index.search(PROBES, 3)
        expected, expected_ids = self.truth.search(PROBES, 3)
        there = expected.shape[1]
        np.testing.assert_allclose(similarities[:, :there], expected, atol=1e-6)
        np.testing.assert_array_equal(ids[:, :there], expected_ids)
        assert (ids[:, there:] == -1).all()

    @invariant()
    def its_kind_fits_its_size(self):
        count = len(self.index)
        if count > LIMIT:
            assert self.index.kind == "pq-fast-scan"
        elif count <= 0.75 * LIMIT:
            assert self.index.kind == "flat"


TestIndexAndTruth = IndexAndTruth.TestCase
TestIndexAndTruth.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
