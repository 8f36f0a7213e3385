"""Contract of gallery stores: what any of them must keep, whatever keeps it. Galleries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from operator import methodcaller

import pytest

from ood_face.errors import (
    BackendError,
    DuplicateGalleryError,
    GalleryNotFoundError,
    SubjectNotFoundError,
    VersionConflictError,
)
from ood_face.types import GalleryCounts, Profile, RequestToken
from tests.fakes.templates import feature, gallery_info, template

NOBODY = Profile()
TOKEN = RequestToken("key" * 20, "body" * 16)


def test_a_new_gallery_is_what_was_asked_for(store):
    asked = gallery_info(
        "gate_1", max_templates=3, keep_crops=True, token=TOKEN, calibration="night"
    )

    made = store.create(asked).info

    assert replace(made, version=0) == asked
    assert made.version > 1_700_000_000_000_000
    assert store.open("gate_1").info == made
    assert store.open("gate_1").counts() == GalleryCounts(0, 0)


def test_a_name_is_given_once(store):
    store.create(gallery_info("staff"))

    with pytest.raises(DuplicateGalleryError, match="staff"):
        store.create(gallery_info("staff", max_templates=1))

    assert store.open("staff").info.max_templates == 5


@pytest.mark.parametrize("name", ["nobody", "", "../staff", "STAFF", "x" * 300, "\ud800", "a\0b"])
def test_a_gallery_that_is_not_there_is_not_found(store, name):
    store.create(gallery_info("staff"))

    with pytest.raises(GalleryNotFoundError):
        store.open(name)
    with pytest.raises(GalleryNotFoundError):
        store.delete(name)


def test_galleries_come_by_name(store):
    assert store.galleries() == []

    made = [store.create(gallery_info(name)).info for name in ("b", "a-2", "c", "a")]

    assert store.galleries() == sorted(made, key=lambda info: info.name)


def test_an_update_replaces_what_may_change_and_nothing_else(store, gallery):
    before = gallery.info
    asked = replace(
        before,
        model_id="other",
        scenario="strict",
        calibration="night",
        max_templates=2,
        keep_crops=True,
        created_at=before.created_at + timedelta(days=1),
    )

    after = store.update(asked, if_version=before.version)

    assert after.version > before.version
    changed = {"scenario": "strict", "max_templates": 2, "keep_crops": True}
    changed["calibration"] = "night"
    assert after == replace(before, version=after.version, **changed)
    assert gallery.info == after

    assert store.update(replace(after, calibration=None)).calibration is None
    assert gallery.info.calibration is None


def test_an_outdated_version_changes_no_gallery(store, gallery):
    before = gallery.info

    with pytest.raises(VersionConflictError, match=str(before.version)):
        store.update(replace(before, max_templates=1), if_version=before.version - 1)
    with pytest.raises(VersionConflictError):
        store.delete("staff", if_version=before.version + 1)

    assert store.galleries() == [before]


def test_a_gallery_that_is_not_there_cannot_be_updated(store):
    with pytest.raises(GalleryNotFoundError, match="staff"):
        store.update(gallery_info("staff"))


CALLS = {
    "info": lambda gallery: gallery.info,
    "counts": methodcaller("counts"),
    "create": methodcaller("create_subject", "eve", NOBODY, []),
    "subject": methodcaller("subject", "ada"),
    "subjects": methodcaller("subjects", None, 10),
    "enrolled": methodcaller("enrolled", ["ada"]),
    "crop": methodcaller("crop", 1),
    "find_token": methodcaller("find_token", "none"),
    "update": methodcaller("update_subject", "ada", NOBODY),
    "change": methodcaller("change_templates", "ada", [], []),
    "delete": methodcaller("delete_subject", "ada"),
    "search": methodcaller("search", feature(1)[None], 1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_deleted_gallery_answers_nothing_even_where_its_name_is_used_again(store, gallery, call):
    gallery.create_subject("ada", NOBODY, [template(1)])
    gallery.search(feature(1)[None], 1)

    store.delete("staff", if_version=gallery.info.version)
    again = store.create(gallery_info("staff"))

    with pytest.raises(GalleryNotFoundError, match="staff"):
        call(gallery)
    assert again.counts() == GalleryCounts(0, 0)
    assert again.search(feature(1)[None], 1) == [[]]


def test_a_closed_store_says_so(home):
    store = home.open()
    store.create(gallery_info("staff"))

    store.close()

    with pytest.raises(BackendError):
        store.open("staff")


def test_galleries_know_nothing_of_each_other(store, gallery):
    other = store.create(gallery_info("other"))
    gallery.create_subject("ada", Profile("Ada"), [template(1)])
    other.create_subject("ada", Profile("Another"), [template(2)])

    gallery.delete_subject("ada")

    assert other.subject("ada").profile.name == "Another"
    assert [hit.subject_id for hit in other.search(feature(1)[None], 9)[0]] == ["ada"]
    assert gallery.search(feature(2)[None], 9) == [[]]
    number = other.subject("ada").templates[0].template_id
    gallery.create_subject("bob", NOBODY, [])
    with pytest.raises(SubjectNotFoundError):
        gallery.change_templates("ada", [], [number])
