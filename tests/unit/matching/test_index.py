from __future__ import annotations

import logging

import numpy as np
import pytest

from ood_face.errors import InputError, StorageError
from ood_face.matching.index import GalleryIndex
from tests.fakes.truth import FakeTruth, clustered

COUNT = 3000  # more than a compressed search looks at closely
LIMITS = {"flat": 10 * COUNT, "pq-fast-scan": 1000}
KINDS = tuple(LIMITS)
IDS = np.arange(COUNT) * 3 + 10


FEATURES = clustered(COUNT)


def full_truth():
    truth = FakeTruth()
    truth.put(IDS, FEATURES)
    return truth


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def truth():
    return full_truth()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a function that gives the file of a kind, made once."""
    folder = tmp_path_factory.mktemp("indexes")

    def of(kind):
        path = folder / kind
        if not path.exists():
            chunks = ((IDS[at : at + 700], FEATURES[at : at + 700]) for at in range(0, COUNT, 700))
            GalleryIndex.build(chunks, full_truth().fetch, LIMITS[kind]).save(path, "tests")
        return path

    return of


@pytest.fixture
def index(truth, kind, saved):
    index = GalleryIndex.load(saved(kind), "tests", truth.fetch, LIMITS[kind])
    assert index.kind == kind
    return index


def assert_same(found, expected):
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    np.testing.assert_array_equal(found[1], expected[1])


def test_a_search_finds_what_an_exact_one_finds(index, truth):
    probes = np.concatenate([clustered(40, seed=1), truth.fetch(IDS[:40])])
    found = index.search(probes, 5)
    assert found[0].dtype == np.float32
    assert found[1].dtype == np.int64
    assert_same(found, truth.search(probes, 5))


def test_one_probe_is_answered_as_among_many(index):
    probes = clustered(9, seed=2)
    together = index.search(probes, 4)
    for row, probe in enumerate(probes):
        expected = tuple(part[row : row + 1] for part in together)
        assert_same(index.search(probe[None], 4), expected)


def test_ids_and_length_are_those_that_were_added(index):
    assert len(index) == COUNT
    np.testing.assert_array_equal(index.ids(), IDS)


def test_what_was_added_is_found_and_what_was_removed_is_not(index, truth):
    newcomer, new_id = clustered(1, seed=3), np.array([5])
    truth.put(new_id, newcomer)
    index.add(new_id, newcomer)
    similarity, found = index.search(newcomer, 1)
    assert found.item() == 5
    assert similarity.item() == pytest.approx(1)
    truth.drop(new_id)
    index.remove(new_id)
    assert index.search(newcomer, 1)[1].item() != 5
    assert_same(index.search(newcomer, 3), truth.search(newcomer, 3))


def test_after_many_removals_the_rest_is_found_as_before(index, truth):
    gone = IDS[np.random.default_rng(4).permutation(COUNT)[:900]]
    truth.drop(gone)
    index.remove(gone)
    assert len(index) == COUNT - 900
    assert not np.isin(gone, index.ids()).any()
    probes = truth.fetch(np.setdiff1d(IDS, gone)[:60])
    assert_same(index.search(probes, 3), truth.search(probes, 3))


def test_unknown_ids_are_ignored_when_removed(index):
    index.remove(np.array([1, 2, 999_999_999]))
    assert len(index) == COUNT


def test_all_can_be_removed_and_others_added(index, truth):
    index.remove(IDS)
    truth.drop(IDS)
    assert len(index) == 0
    similarities, ids = index.search(clustered(2, seed=5), 3)
    assert (ids == -1).all()
    assert (similarities == -1).all()
    truth.put(IDS[:3], clustered(3, seed=6))
    index.add(IDS[:3], clustered(3, seed=6))
    assert index.search(clustered(3, seed=6), 1)[1].ravel().tolist() == IDS[:3].tolist()


@pytest.mark.parametrize("twice", [[IDS[7]], [IDS[-1], 1], [4, 4]])
def test_an_id_that_is_there_already_is_refused_and_nothing_is_added(index, twice):
    with pytest.raises(InputError, match="already"):
        index.add(np.array(twice), clustered(len(twice)))
    np.testing.assert_array_equal(index.ids(), IDS)


@pytest.mark.parametrize(
    ("ids", "features", "sentence"),
    [
        (np.array([0]), clustered(1), "at least 1, not 0"),
        (np.array([1, 2]), clustered(1), r"\(2,\) and \(1, 512\)"),
        (np.array([1]), clustered(1)[:, :100], r"\(1, 100\)"),
    ],
)
def test_what_is_no_template_is_refused(index, ids, features, sentence):
    with pytest.raises(InputError, match=sentence):
        index.add(ids, features)
    assert len(index) == COUNT


def test_nothing_can_be_added_and_removed(index):
    index.add(np.zeros(0, np.int64), np.zeros((0, 512), np.float32))
    index.remove(np.zeros(0, np.int64))
    assert len(index) == COUNT
    assert index.search(np.zeros((0, 512), np.float32), 3)[1].shape == (0, 3)


def test_more_is_asked_for_than_there_is(truth, kind):
    index = GalleryIndex(truth.fetch, 1000)
    if kind != "flat":
        index.add(IDS[:1001], truth.fetch(IDS[:1001]))
        index.remove(IDS[800:])
    else:
        index.add(IDS[:800], truth.fetch(IDS[:800]))
    assert index.kind == kind
    similarities, ids = index.search(truth.fetch(IDS[:2]), 850)
    assert (ids[:, :800] > 0).all()
    assert (ids[:, 800:] == -1).all()
    assert (np.diff(similarities) <= 0).all()


def test_a_template_that_the_truth_lost_meanwhile_is_not_found():
    truth = FakeTruth()
    truth.put(IDS, clustered(COUNT))
    index = GalleryIndex(truth.fetch, 1000)
    index.add(IDS, truth.fetch(IDS))
    probe = truth.fetch(IDS[:1])
    truth.drop(IDS[:1])
    found = index.search(probe, 3)
    assert IDS[0] not in found[1]
    assert_same(found, truth.search(probe, 3))


def test_a_compressed_search_reads_few_features_from_the_truth(truth):
    index = GalleryIndex(truth.fetch, 1000)
    index.add(IDS, truth.fetch(IDS))
    truth.fetched = 0
    index.search(clustered(1, seed=7), 10)
    assert 10 <= truth.fetched <= 100


def test_an_index_is_compressed_above_the_limit_and_flat_again_well_below(truth, caplog):
    caplog.set_level(logging.INFO)
    index = GalleryIndex(truth.fetch, 1000)
    index.add(IDS[:1000], truth.fetch(IDS[:1000]))
    assert index.kind == "flat"
    index.add(IDS[1000:1001], truth.fetch(IDS[1000:1001]))
    assert index.kind == "pq-fast-scan"
    index.remove(IDS[751:1001])
    assert index.kind == "pq-fast-scan"  # 751: not yet
    index.remove(IDS[750:751])
    assert index.kind == "flat"
    truth.drop(IDS[750:])
    probes = clustered(20, seed=8)
    assert_same(index.search(probes, 5), truth.search(probes, 5))
    assert ["is now pq-fast-scan" in text or "is now flat" in text for text in caplog.messages] == [
        False,
        True,
        True,
    ]


def test_an_index_stays_compressed_where_the_truth_cannot_be_read(truth, caplog):
    index = GalleryIndex(truth.fetch, 1000)
    index.add(IDS[:1001], truth.fetch(IDS[:1001]))

    truth.error = StorageError("some.key", "the disk is gone")
    index.remove(IDS[500:1001])
    assert index.kind == "pq-fast-scan"
    assert "stays compressed" in caplog.text
    np.testing.assert_array_equal(index.ids(), IDS[:500])


def test_a_limit_below_what_codes_are_learned_from_is_refused(truth):
    with pytest.raises(ValueError, match="624"):
        GalleryIndex(truth.fetch, 623)
