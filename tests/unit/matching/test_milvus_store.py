"""What only galleries in Milvus have: addresses, files, erasure, large pages, other indexes."""

from __future__ import annotations

import json
import sys
import threading

import numpy as np
import pytest

from ood_face.errors import BackendError, InputError, StorageLockedError
from ood_face.matching.milvus import MilvusGalleryStore, VectorIndex
from ood_face.matching.milvus.clock import Clock, from_us, new_uid, to_us, uid_us
from ood_face.matching.milvus.connection import Connection
from ood_face.matching.milvus.documents import (
    NOTHING,
    GalleryRow,
    crop_to_text,
    from_key,
    to_key,
)
from ood_face.matching.milvus.rows import MAX_LIMIT, Rows
from ood_face.matching.milvus.schema import create_plain, create_templates, templates_name
from ood_face.matching.milvus.searching import TemplateSearch
from ood_face.types import Profile
from tests.fakes.templates import crop, feature, gallery_info, near, template

NOBODY = Profile()


@pytest.fixture
def connection(tmp_path):
    opened = Connection(str(tmp_path / "lite.db"))
    yield opened
    opened.close()


def rows_of(connection, name):
    return Rows(connection, name, lambda: BackendError("milvus.lost", "gone"))


@pytest.mark.parametrize(
    "uri", ["", "localhost:19530", "ftp://host", "http://", "galleries.sqlite"]
)
def test_what_is_no_address_is_told(uri):
    with pytest.raises(BackendError, match="no address of a Milvus"):
        MilvusGalleryStore(uri)


def test_where_nobody_answers_the_error_names_the_address_and_no_password():
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:1") as caught:
        MilvusGalleryStore("http://root:hush@127.0.0.1:1")

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("missing", ["pymilvus", "milvus_lite.server_manager"])
def test_without_the_client_the_error_names_the_extra(monkeypatch, tmp_path, missing):
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(BackendError, match=r"ood-face\[milvus\]"):
        MilvusGalleryStore(str(tmp_path / "galleries.db"))

    assert not list(tmp_path.iterdir())


def test_a_file_has_one_owner(tmp_path):
    uri = str(tmp_path / "galleries.db")
    store = MilvusGalleryStore(uri)

    with pytest.raises(StorageLockedError):
        MilvusGalleryStore(uri)
    store.close()

    MilvusGalleryStore(uri).close()


def test_a_file_that_is_none_of_milvus_is_refused(tmp_path):
    (tmp_path / "galleries.db").write_text("something else")

    with pytest.raises(BackendError, match=r"galleries\.db"):
        MilvusGalleryStore(str(tmp_path / "galleries.db"))


def test_a_closed_store_leaves_no_thread(tmp_path):
    before = set(threading.enumerate())
    store = MilvusGalleryStore(str(tmp_path / "galleries.db"))
    store.create(gallery_info()).create_subject("ada", NOBODY, [template(1)])

    store.close()

    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(timeout=10)
    assert not [thread.name for thread in left if thread.is_alive()]


def bytes_in(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_deleted_subject_leaves_milvus_lites_log(tmp_path):
    store = MilvusGalleryStore(str(tmp_path / "galleries.db"))
    gallery = store.create(gallery_info(keep_crops=True))
    gallery.create_subject("keeper", NOBODY, [template(1)])
    gallery.create_subject("vanishing", Profile("Ada Byron"), [template(2, with_crop=True)])
    kept_crop = crop_to_text(crop(2)).encode()
    traces = [b"vanishing", b"Ada Byron", feature(2).tobytes(), kept_crop]
    assert all(trace in bytes_in(tmp_path) for trace in traces)

    gallery.delete_subject("vanishing")

    assert not [trace for trace in traces if trace in bytes_in(tmp_path)]
    assert gallery.search(feature(1)[None], 1)[0][0].subject_id == "keeper"
    store.close()
    assert not [trace for trace in traces if trace in bytes_in(tmp_path)]


def test_a_deleted_gallery_leaves_no_collection(tmp_path):
    store = MilvusGalleryStore(str(tmp_path / "galleries.db"))
    gallery = store.create(gallery_info(keep_crops=True))
    gallery.create_subject("ada", NOBODY, [template(2, with_crop=True)])

    store.delete("staff")

    assert feature(2).tobytes() not in bytes_in(tmp_path)
    assert not list(tmp_path.rglob("*templates*"))
    store.close()


def test_keys_sort_as_their_ids_and_are_safe_in_a_filter():
    ids = ["a", "a'", 'a"]', "ab", "é", "\uff21", "\U0001d4b3", "x" * 128, "x" * 127 + "y"]

    keys = [to_key(one) for one in ids]

    assert [from_key(key) for key in sorted(keys)] == sorted(ids)
    assert all(set(key) <= set("0123456789abcdef") for key in keys)


def test_pages_longer_than_an_answer_of_milvus_are_in_order(connection):
    create_plain(connection, "many")
    rows = rows_of(connection, "many")
    names = [f"{chr(0x4E00 + number % 97)}{number}" for number in range(1300)]
    rows.put([{"key": to_key(name), "document": name, "nothing": NOTHING} for name in names])

    page = rows.after("", 1200, ["document"])
    rest = rows.after(page[-1]["key"], 1200, ["document"])

    assert [row["document"] for row in page + rest] == sorted(names)
    assert len(page) == 1200


def test_what_an_approximate_index_finds_has_exact_cosines_in_order(connection):
    uid = new_uid(1)
    create_templates(connection, uid, VectorIndex.HNSW)
    create_plain(connection, "listing")
    templates = rows_of(connection, templates_name(uid))
    templates.put(
        [{"id": n + 1, "subject": to_key(f"p{n}"), "feature": feature(n)} for n in range(60)]
    )
    search = TemplateSearch(templates, _Listing(range(1, 61)), VectorIndex.HNSW)
    probes = np.stack([near(7, 0.6), near(11, 0.9)])

    found = search.search(probes, 12)

    known = np.stack([feature(n) for n in range(60)]).astype(np.float64)
    for probe, hits in zip(probes, found, strict=True):
        cosines = known @ probe.astype(np.float64)
        assert [hit.template_id - 1 for hit in hits] == list(np.argsort(-cosines)[:12])
        assert [hit.similarity for hit in hits] == pytest.approx(
            np.sort(cosines)[::-1][:12], abs=1e-6
        )


class _Listing:
    """Subjects that list these templates."""

    def __init__(self, template_ids):
        self._ids = list(template_ids)

    def get(self, _keys, _fields):
        return [{"template_ids": self._ids}]


def test_more_templates_than_milvus_returns_are_not_asked_for(tmp_path):
    store = MilvusGalleryStore(str(tmp_path / "galleries.db"))
    gallery = store.create(gallery_info())

    with pytest.raises(InputError, match=str(MAX_LIMIT)):
        gallery.search(feature(1)[None], MAX_LIMIT + 1)
    assert gallery.search(feature(1)[None], MAX_LIMIT) == [[]]
    store.close()


def test_no_time_and_no_id_comes_twice():
    clock = Clock()
    times = [clock.now_us() for _ in range(1000)]
    ids = [Clock().template_id(), *(clock.template_id() for _ in range(1000))]

    assert sorted(set(times)) == times
    assert len(set(ids)) == len(ids)
    assert all(0 < one < 2**63 for one in ids)


def test_a_time_comes_after_another_even_where_the_clock_was_set_back():
    clock = Clock()
    future = clock.now_us() + 10**12

    assert clock.now_us(above=future) == future + 1
    assert clock.now_us() == future + 2


def test_times_and_uids_come_back():
    now_us = Clock().now_us()

    assert to_us(from_us(now_us)) == now_us
    assert uid_us(new_uid(now_us)) == now_us
    assert new_uid(now_us) != new_uid(now_us)


def test_a_gallery_written_before_there_were_calibrations_is_read():
    asked = gallery_info(calibration="night")
    row = GalleryRow(asked, "u1", None, VectorIndex.FLAT).to_row()
    assert GalleryRow.from_row(row).info == asked
    document = json.loads(row["document"])
    del document["calibration"]
    before = GalleryRow.from_row(row | {"document": json.dumps(document)}).info
    assert before == gallery_info()
