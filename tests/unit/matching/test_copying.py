"""Galleries copied between stores of any two kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ood_face.errors import BackendError, GalleryError
from ood_face.matching.copying import copy_gallery
from ood_face.matching.milvus import MilvusGalleryStore
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile, RequestToken
from tests.fakes.galleries import FakeGalleryStore, Memory
from tests.fakes.templates import feature, gallery_info, near, template

TOKEN = RequestToken("key", "body")
PEOPLE = 230


def open_store(kind, folder):
    if kind == "milvus":
        return MilvusGalleryStore(str(folder / "galleries.db"))
    if kind == "sqlite":
        return SqliteGalleryStore(folder)
    return FakeGalleryStore(Memory())


@pytest.fixture
def stores(request, tmp_path):
    folders = [tmp_path / "source", tmp_path / "target"]
    opened = []
    for kind, folder in zip(request.param, folders, strict=True):
        folder.mkdir()
        opened.append(open_store(kind, folder))
    yield opened
    for store in opened:
        store.close()


fakes = pytest.mark.parametrize("stores", [("fake", "fake")], indirect=True)


def fill(store, people=PEOPLE, *, keep_crops=False):
    gallery = store.create(gallery_info(keep_crops=keep_crops, token=TOKEN, calibration="night"))
    for number in range(people):
        new = [template(10 * number + i, with_crop=i == 0) for i in range(number % 4)]
        gallery.create_subject(f"é{number}", Profile(f"P{number}", {"n": [number]}), new)
    return gallery


def contents(gallery):
    """Return what a copy keeps."""
    found = gallery.enrolled([subject.subject_id for subject in gallery.subjects(None, 1000)])
    return [
        (
            one.subject.subject_id,
            one.subject.profile,
            one.subject.token,
            one.features.tobytes(),
            [
                replace(record, template_id=0, created_at=gallery.info.created_at)
                for record in one.subject.templates
            ],
            [
                None if crop is None else crop.tobytes()
                for crop in (gallery.crop(one.template_id) for one in one.subject.templates)
            ],
        )
        for one in found
    ]


@pytest.mark.parametrize(
    "stores", [("fake", "fake"), ("sqlite", "milvus"), ("milvus", "sqlite")], indirect=True
)
def test_a_copy_has_everything_of_its_source(stores):
    people = PEOPLE if all(isinstance(store, FakeGalleryStore) for store in stores) else 50
    source = fill(stores[0], people, keep_crops=True)
    source.create_subject("ada", Profile(), [template(7777, token=TOKEN)], TOKEN)
    progress = []

    report = copy_gallery(source, stores[1], "copied", progress.append)

    copied = stores[1].open("copied")
    assert contents(copied) == contents(source)
    assert replace(copied.info, version=0) == replace(source.info, name="copied", version=0)
    assert copied.find_token("key")[1].subject_id == "ada"
    counts = source.counts()
    assert (report.subjects, report.templates) == (counts.subjects, counts.templates)
    assert report.crops == sum(1 for number in range(people) if number % 4)
    assert report.probes == min(200, counts.templates)
    assert progress == list(range(1, people + 2))
    probe = near(12, 0.8)[None]
    best = copied.search(probe, 1)[0][0]
    assert best.subject_id == source.search(probe, 1)[0][0].subject_id


class InterruptedRunError(Exception):
    """The operator's Ctrl-C."""


@fakes
def test_a_copy_that_was_interrupted_goes_on(stores):
    source = fill(stores[0])

    def interrupt(done):
        if done == 50:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        copy_gallery(source, stores[1], "staff", interrupt)
    assert stores[1].open("staff").counts().subjects == 50
    report = copy_gallery(source, stores[1], "staff")

    assert (report.skipped, report.subjects) == (50, PEOPLE - 50)
    assert contents(stores[1].open("staff")) == contents(source)
    again = copy_gallery(source, stores[1], "staff")
    assert (again.skipped, again.subjects, again.templates) == (PEOPLE, 0, 0)


@fakes
def test_subjects_with_more_templates_than_the_gallery_keeps_by_now_are_copied(stores):
    source = fill(stores[0], 8)
    stores[0].update(replace(source.info, max_templates=1))

    copy_gallery(source, stores[1], "staff")

    assert stores[1].open("staff").info.max_templates == 1
    assert contents(stores[1].open("staff")) == contents(source)


@fakes
def test_an_empty_gallery_is_copied(stores):
    report = copy_gallery(fill(stores[0], 0), stores[1], "staff")

    assert (report.subjects, report.probes) == (0, 0)
    assert stores[1].open("staff").counts().subjects == 0


@fakes
def test_a_gallery_with_other_subjects_is_left_alone(stores):
    source = fill(stores[0], 9)
    other = stores[1].create(gallery_info())
    other.create_subject("eve", Profile(), [template(1)])
    before = other.info

    with pytest.raises(GalleryError, match="eve"):
        copy_gallery(source, stores[1], "staff")

    assert stores[1].open("staff").info == before
    assert other.counts().subjects == 1


@fakes
@pytest.mark.parametrize(
    ("profile", "templates"),
    [
        (Profile("Other"), [template(50)]),
        (Profile("P5", {"n": [5]}), []),
        (Profile("P5", {"n": [5]}), [template(51)]),
        (Profile("P5", {"n": [5]}), [replace(template(50), feature=feature(51))]),
        (Profile("P5", {"n": [5]}), [replace(template(50), ood_score=0.5)]),
    ],
)
def test_a_subject_that_differs_is_named_and_nothing_is_written(stores, profile, templates):
    source = fill(stores[0], 9)
    other = stores[1].create(gallery_info())
    other.create_subject("é5", profile, templates)

    with pytest.raises(GalleryError, match="é5"):
        copy_gallery(source, stores[1], "staff")

    assert other.counts().subjects == 1


@fakes
def test_a_gallery_of_another_model_is_not_continued(stores):
    source = fill(stores[0], 1)
    stores[1].create(replace(gallery_info(), model_id="other-2"))

    with pytest.raises(GalleryError, match="other-2"):
        copy_gallery(source, stores[1], "staff")


class Lossy:
    """A gallery that does to what it finds, or to what it is given, what it should not."""

    def __init__(self, gallery, find=lambda hits: hits, lose=()):
        self._gallery = gallery
        self._find = find
        self._lose = lose

    def __getattr__(self, name):
        return getattr(self._gallery, name)

    def create_subject(self, subject_id, *args):
        if subject_id not in self._lose:
            self._gallery.create_subject(subject_id, *args)

    def search(self, features, count):
        return [self._find(hits) for hits in self._gallery.search(features, count)]


class LossyStore(FakeGalleryStore):
    """A store whose new galleries are lossy."""

    def __init__(self, **faults):
        super().__init__(Memory())
        self._faults = faults

    def create(self, info):
        return Lossy(super().create(info), **self._faults)


FAULTS = {
    "copy.counts": {"lose": ["é3"]},
    "copy.search": {"find": lambda hits: hits[1:]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_copy_that_differs_is_an_error_that_says_in_what(fault):
    store = LossyStore(**FAULTS[fault])

    with pytest.raises(GalleryError) as caught:
        copy_gallery(fill(FakeGalleryStore(Memory()), 12), store, "staff")

    assert caught.value.key == fault


@pytest.mark.parametrize(
    "find",
    [
        lambda hits: [replace(hit, similarity=hit.similarity - 2e-5) for hit in hits],
        lambda hits: [replace(hit, subject_id="é1") for hit in hits],
        lambda _: [],
    ],
)
def test_a_search_that_answers_otherwise_is_found_out(find):
    with pytest.raises(GalleryError, match="otherwise"):
        copy_gallery(fill(FakeGalleryStore(Memory()), 12), LossyStore(find=find), "staff")


@fakes
def test_two_subjects_with_one_face_may_come_in_any_order(stores):
    source = fill(stores[0], 12)
    source.create_subject("a-twin", Profile(), [template(30)])

    def swapped(hits):
        first, second, *others = hits
        tie = first.similarity == second.similarity
        return [second, first, *others] if tie else hits

    report = copy_gallery(source, LossyStore(find=swapped), "staff")

    assert report.probes == source.counts().templates
    np.testing.assert_array_equal(source.enrolled(["a-twin"])[0].features, [feature(30)])


@fakes
def test_a_store_that_fails_in_the_middle_fails_the_copy(stores):
    class Full(Lossy):
        def create_subject(self, subject_id, *args):
            if subject_id == "é5":
                raise BackendError(
                    "milvus.failed",
                    "Milvus at {address} failed: {problem}",
                    address="test",
                    problem="full",
                )
            super().create_subject(subject_id, *args)

    class FullStore(FakeGalleryStore):
        def create(self, info):
            return Full(super().create(info))

    with pytest.raises(BackendError, match="full"):
        copy_gallery(fill(stores[0], 9), FullStore(Memory()), "staff")
