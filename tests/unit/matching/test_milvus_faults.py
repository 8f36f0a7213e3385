"""Galleries in Milvus when a replica dies in the middle, or several work at once."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from ood_face.errors import BackendError, GalleryNotFoundError, SubjectNotFoundError
from ood_face.matching.milvus import MilvusGalleryStore
from ood_face.matching.milvus.schema import GALLERIES, JOURNAL, parse_name
from ood_face.types import Profile
from tests.fakes.milvus import BreakingConnection
from tests.fakes.templates import feature, gallery_info, template

NOBODY = Profile()


@pytest.fixture
def milvus(tmp_path):
    connection = BreakingConnection(str(tmp_path / "shared.db"))
    yield connection
    connection.writes_left = None
    connection.end()


@pytest.fixture
def replica(milvus):
    """Return a function that starts one more replica of the service."""
    stores = []

    def start():
        stores.append(MilvusGalleryStore("shared", connect=lambda _uri, _token: milvus))
        return stores[-1]

    yield start
    for store in stores:
        store.close()


def stored(milvus, kind):
    """Return how many rows there are in all collections of a kind."""
    names = [name for name in milvus.collections() if name.rpartition("_")[2] == kind]
    return sum(milvus.count(name, "") for name in names)


def gallery_collections(milvus):
    return [name for name in milvus.collections() if parse_name(name) is not None]


def enrol(gallery):
    gallery.create_subject("bob", NOBODY, [template(3), template(4)])


def exchange(gallery):
    present = gallery.subject("ada").templates
    gallery.change_templates("ada", [template(5)], [present[0].template_id])


def delete(gallery):
    gallery.delete_subject("ada")


def rename(gallery):
    gallery.update_subject("ada", Profile("Ada"))


@pytest.mark.parametrize("change", [enrol, exchange, delete, rename])
@pytest.mark.parametrize("writes", range(6))
def test_a_change_that_dies_is_made_or_not_made_and_leaves_nothing(milvus, replica, change, writes):
    gallery = replica().create(gallery_info())
    gallery.create_subject("ada", NOBODY, [template(1), template(2)])
    before = gallery.enrolled(["ada", "bob"])

    milvus.writes_left = writes
    died = False
    try:
        change(gallery)
    except BackendError:
        died = True
    milvus.writes_left = None
    survivor = replica().open("staff")  # sweeps when it starts

    after = survivor.enrolled(["ada", "bob"])
    changed = [one.subject for one in after] != [one.subject for one in before]
    assert changed or died
    found = {hit.template_id for hit in survivor.search(feature(1)[None], 99)[0]}
    listed = {record.template_id for one in after for record in one.subject.templates}
    assert found == listed
    assert stored(milvus, "templates") == len(listed) == survivor.counts().templates
    assert milvus.count(JOURNAL, "") == 0


def test_an_error_of_a_write_before_the_one_that_counts_changes_nothing(milvus, replica):
    gallery = replica().create(gallery_info())
    milvus.writes.clear()
    enrol(gallery)
    assert milvus.writes == ["journal", "templates", "subjects", "journal"]

    for writes in range(3):
        milvus.writes_left = writes
        with pytest.raises(BackendError):
            gallery.create_subject("eve", NOBODY, [template(9)])
        milvus.writes_left = None
        with pytest.raises(SubjectNotFoundError):
            gallery.subject("eve")
        hits = gallery.search(feature(9)[None], 99)[0]
        assert {hit.subject_id for hit in hits} == {"bob"}


def test_a_change_that_may_still_be_under_way_is_not_swept_up(milvus, replica):
    store = replica()
    gallery = store.create(gallery_info())
    milvus.writes_left = 2
    with pytest.raises(BackendError):
        gallery.create_subject("eve", NOBODY, [template(9)])
    milvus.writes_left = None

    store.maintain()
    assert (stored(milvus, "templates"), milvus.count(JOURNAL, "")) == (1, 1)
    replica()  # to whoever opens a file, nothing in it is under way
    assert (stored(milvus, "templates"), milvus.count(JOURNAL, "")) == (0, 0)


def test_a_search_looks_past_any_number_of_templates_that_do_not_count(milvus, replica):
    gallery = replica().create(gallery_info())
    gallery.create_subject("ada", NOBODY, [template(1)])
    for number in range(30):
        milvus.writes_left = 2
        with pytest.raises(BackendError):
            gallery.create_subject("eve", NOBODY, [template(2)] * 5)
        milvus.writes_left = None
        assert stored(milvus, "templates") == 1 + 5 * (number + 1)

    (hits,) = gallery.search(feature(2)[None], 1)

    assert [hit.subject_id for hit in hits] == ["ada"]


def test_templates_replaced_during_a_search_are_found_all_the_same(milvus, replica):
    gallery, other = replica().create(gallery_info()), replica().open("staff")
    gallery.create_subject("ada", NOBODY, [template(1)])
    calls = []

    def replace_once(name):
        if name.endswith("_subjects") and not calls:
            calls.append(name)
            (old,) = other.subject("ada").templates
            other.change_templates("ada", [template(1)], [old.template_id])

    milvus.before_get = replace_once
    (hits,) = gallery.search(feature(1)[None], 5)

    assert calls
    assert [hit.subject_id for hit in hits] == ["ada"]


def test_features_removed_while_they_are_read_are_not_missed(milvus, replica):
    gallery, other = replica().create(gallery_info()), replica().open("staff")
    gallery.create_subject("ada", NOBODY, [template(1), template(2)])
    calls = []

    def remove_once(name):
        if name.endswith("_templates") and not calls:
            calls.append(name)
            exchange(other)

    milvus.before_get = remove_once
    (found,) = gallery.enrolled(["ada"])

    assert calls
    np.testing.assert_array_equal(found.features, [feature(2), feature(5)])
    assert found.subject == other.subject("ada")


def test_what_one_replica_changes_every_other_sees_at_once(replica):
    first, second = replica(), replica()
    gallery = first.create(gallery_info(keep_crops=True))
    seen = second.open("staff")

    made = gallery.create_subject("ada", NOBODY, [template(1, with_crop=True)])
    assert seen.subject("ada") == made
    assert seen.search(feature(1)[None], 1)[0][0].subject_id == "ada"
    second.update(replace(seen.info, keep_crops=False))
    assert gallery.crop(made.templates[0].template_id) is None
    assert not gallery.subject("ada").templates[0].has_crop
    later = gallery.change_templates("ada", [template(2, with_crop=True)], [])
    assert [record.has_crop for record in later.templates] == [False, False]
    first.delete("staff")
    with pytest.raises(GalleryNotFoundError):
        seen.search(feature(1)[None], 1)


@pytest.mark.parametrize("writes", range(3))
def test_a_gallery_that_is_half_made_or_half_deleted_leaves_nothing(milvus, replica, writes):
    store = replica()
    milvus.writes_left = writes
    try:
        store.create(gallery_info(keep_crops=True))
        store.delete("staff")
    except BackendError:
        milvus.writes_left = None
    milvus.writes_left = None

    infos = replica().galleries()

    assert len(gallery_collections(milvus)) == 3 * len(infos)
    assert milvus.count(JOURNAL, "") == 0


def test_crops_that_were_to_go_when_a_replica_died_go_when_another_starts(milvus, replica):
    store = replica()
    gallery = store.create(gallery_info(keep_crops=True))
    gallery.create_subject("ada", NOBODY, [template(1, with_crop=True)])
    dropping, milvus.drop = milvus.drop, _broken

    with pytest.raises(BackendError):
        store.update(replace(gallery.info, keep_crops=False))
    milvus.drop = dropping
    replica()

    assert len(gallery_collections(milvus)) == 2
    assert not gallery.info.keep_crops


def test_templates_that_milvus_has_lost_are_told(milvus, replica):
    gallery = replica().create(gallery_info())
    made = gallery.create_subject("ada", NOBODY, [template(1)])
    (name,) = [name for name in milvus.collections() if name.endswith("_templates")]
    milvus.delete(name, [made.templates[0].template_id])

    with pytest.raises(BackendError, match="does not have"):
        gallery.enrolled(["ada"])


def test_a_store_that_has_lost_its_galleries_says_so(milvus, replica):
    store = replica()
    store.create(gallery_info())
    milvus.drop(GALLERIES)

    with pytest.raises(BackendError, match="lost"):
        store.open("staff")


def test_a_store_that_cannot_sweep_does_not_open_and_opens_later(milvus, replica):
    gallery = replica().create(gallery_info())
    milvus.writes_left = 2
    with pytest.raises(BackendError):
        gallery.create_subject("eve", NOBODY, [template(9)])

    with pytest.raises(BackendError, match="broken by the test"):
        replica()
    milvus.writes_left = None
    assert replica().open("staff").counts().subjects == 0


def test_maintenance_that_fails_is_logged_and_done_another_time(tmp_path, caplog):
    milvus = BreakingConnection(str(tmp_path / "shared.db"))
    store = MilvusGalleryStore("shared", connect=lambda _uri, _token: milvus)
    milvus.end()

    with caplog.at_level(logging.WARNING, "ood_face"):
        store.maintain()

    assert "sweeping up in Milvus failed" in caplog.text
    store.close()


def _broken(name):
    raise BackendError(
        "milvus.failed", "Milvus at {address} failed: {problem}", address="test", problem=name
    )
