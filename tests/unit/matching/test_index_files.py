from __future__ import annotations

import json

import numpy as np
import pytest

from ood_face.errors import StorageCorruptError, StorageError
from ood_face.matching.index import GalleryIndex, IndexDamagedError
from ood_face.matching.index.nibbles import encode
from tests.fakes.truth import FakeTruth, clustered

COUNT = 1500
LIMITS = {"flat": 10 * COUNT, "pq-fast-scan": 1000}
IDS = np.arange(1, COUNT + 1) * 7
FEATURES = clustered(COUNT)
OWNER = "gallery 3, rts-r18@2"


@pytest.fixture(scope="module", params=LIMITS)
def kind(request):
    return request.param


NEWCOMER = clustered(1, seed=2)


@pytest.fixture(scope="module")
def truth():
    truth = FakeTruth()
    truth.put(IDS, FEATURES)
    truth.put(np.array([3]), NEWCOMER)
    return truth


@pytest.fixture(scope="module")
def content(kind, truth, tmp_path_factory):
    index = GalleryIndex(truth.fetch, LIMITS[kind])
    index.add(IDS, FEATURES)
    path = tmp_path_factory.mktemp("index") / "index"
    index.save(path, OWNER)
    return path.read_bytes()


@pytest.fixture
def path(content, tmp_path):
    path = tmp_path / "index"
    path.write_bytes(content)
    return path


@pytest.fixture
def load(path, truth, kind):
    return lambda: GalleryIndex.load(path, OWNER, truth.fetch, LIMITS[kind])


def rewrite_header(path, **changes):
    content = path.read_bytes()
    header = json.loads(content[:1024]) | changes
    path.write_bytes(json.dumps(header).encode().ljust(1023) + b"\n" + content[1024:])


def test_a_loaded_index_is_the_one_that_was_saved(load, kind, truth):
    index = load()
    assert index.kind == kind
    np.testing.assert_array_equal(index.ids(), IDS)
    probes = clustered(30, seed=1)
    expected = truth.search(probes, 4)
    similarities, ids = index.search(probes, 4)
    np.testing.assert_allclose(similarities, expected[0], atol=1e-6)
    np.testing.assert_array_equal(ids, expected[1])


def test_saved_again_it_is_the_same_file(load, path, content):
    load().save(path, OWNER)
    assert path.read_bytes() == content


def test_a_loaded_index_can_be_changed(load, path):
    index = load()
    index.add(np.array([3]), NEWCOMER)
    index.remove(IDS[:10])
    index.save(path, OWNER)
    again = load()
    np.testing.assert_array_equal(again.ids(), np.concatenate([[3], IDS[10:]]))
    assert again.search(NEWCOMER, 1)[1].item() == 3


def test_what_was_added_and_removed_leaves_no_byte_behind(load, path, content):
    index = load()
    index.add(np.array([3, 5]), clustered(2, seed=3))
    index.save(path, OWNER)
    assert path.read_bytes() != content
    index.remove(np.array([3, 5]))
    index.save(path, OWNER)
    assert path.read_bytes() == content


def test_a_removed_feature_is_in_no_saved_file(load, path):
    row = 700
    codes, _ = encode(FEATURES[row : row + 1])
    traces = [FEATURES[row].tobytes()[:64], codes.tobytes()]
    assert any(trace in path.read_bytes() for trace in traces)
    index = load()
    index.remove(IDS[row : row + 1])
    index.save(path, OWNER)
    saved = path.read_bytes()
    assert not any(trace in saved for trace in [*traces, IDS[row].tobytes()])


def test_an_empty_index_can_be_saved(tmp_path, truth):
    GalleryIndex(truth.fetch).save(tmp_path / "empty", OWNER)
    assert len(GalleryIndex.load(tmp_path / "empty", OWNER, truth.fetch)) == 0


def test_a_compressed_index_that_lost_all_can_be_saved(path, truth, tmp_path):
    full = GalleryIndex.load(path, OWNER, truth.fetch, 10_000)
    full.remove(IDS)
    full.save(tmp_path / "emptied", OWNER)
    assert len(GalleryIndex.load(tmp_path / "emptied", OWNER, truth.fetch)) == 0


@pytest.mark.parametrize("share", [0, 0.0005, 0.01, 0.5, 0.9999])
def test_a_truncated_file_is_refused(load, path, content, share):
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(IndexDamagedError, match="rebuilt"):
        load()


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.7, 0.99999])
def test_a_file_with_a_flipped_bit_is_refused(load, path, content, share):
    broken = bytearray(content)
    broken[int(share * len(content))] ^= 4
    path.write_bytes(broken)
    with pytest.raises(IndexDamagedError):
        load()


def test_a_file_that_goes_on_is_refused(load, path, content):
    path.write_bytes(content + b"more")
    with pytest.raises(IndexDamagedError, match="sha256"):
        load()


def test_a_missing_file_is_refused(load, path):
    path.unlink()
    with pytest.raises(IndexDamagedError, match="No such file"):
        load()


def test_another_owners_file_is_refused(path, truth):
    with pytest.raises(IndexDamagedError, match="belongs to 'gallery 3"):
        GalleryIndex.load(path, "gallery 4, rts-r18@2", truth.fetch)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "not of format 1"),
        ({"kind": "cubes"}, "unknown kind 'cubes'"),
        ({"count": COUNT - 1}, "cannot be used"),
        ({"count": COUNT + 1}, "cannot be used"),
        ({"count": 2**40}, "cannot be used"),
        ({"count": -1}, "counts -1 vectors"),
        ({"count": "many"}, "counts 'many' vectors"),
        ({"ids_sha256": "00"}, "ids are not"),
        ({"more": 1}, "header"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(load, path, change, sentence):
    rewrite_header(path, **change)
    with pytest.raises(IndexDamagedError, match=sentence):
        load()


@pytest.mark.parametrize("header", [b"[]", b"1", b"\xff" * 1024, b"{}"])
def test_a_header_that_is_none_is_refused(load, path, header):
    path.write_bytes(header.ljust(1024) + path.read_bytes()[1024:])
    with pytest.raises(IndexDamagedError):
        load()


def test_a_damaged_index_is_a_storage_error():
    assert issubclass(IndexDamagedError, StorageCorruptError)


def test_a_folder_that_is_gone_cannot_be_saved_to(load, tmp_path):
    with pytest.raises(StorageError, match="nothing was changed"):
        load().save(tmp_path / "gone" / "index", OWNER)


def test_an_owner_that_does_not_fit_the_header_is_refused_and_the_file_stays(load, path, content):
    with pytest.raises(ValueError, match="too long"):
        load().save(path, "x" * 2000)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["index"]


def test_a_flat_file_above_todays_limit_is_compressed_when_loaded(path, truth):
    assert GalleryIndex.load(path, OWNER, truth.fetch, 1000).kind == "pq-fast-scan"


def test_a_compressed_file_below_todays_limit_is_flat_when_loaded(path, truth):
    assert GalleryIndex.load(path, OWNER, truth.fetch, 10_000).kind == "flat"
