from __future__ import annotations

import numpy as np
import pytest

from ood_face.service import check_gallery
from ood_face.types import EnrolledSubject, GalleryCounts
from tests.fakes.galleries import FakeGallery, FakeGalleryStore
from tests.unit.service.people import ANN, BEN, CAT, GALLERY, ask, gallery_service, photo


class Wrapped:
    """A gallery of which some calls are replaced."""

    def __init__(self, gallery: FakeGallery, **calls) -> None:
        self._gallery, self._calls = gallery, calls

    def __getattr__(self, name):
        return self._calls[name] if name in self._calls else getattr(self._gallery, name)


@pytest.fixture
def gallery():
    store = FakeGalleryStore()
    service = gallery_service(store)
    for subject_id, colour in (("ann", ANN), ("ben", BEN), ("cat", CAT)):
        service.enroll(GALLERY, ask(subject_id, photo(colour), photo(colour, 60)))
    service.enroll(GALLERY, ask("known-by-name"))
    return store.open(GALLERY)


def test_a_whole_gallery_is_sound(gallery):
    steps: list[int] = []
    found = check_gallery(gallery, steps.append)
    assert found.sound
    assert (found.subjects, found.templates, found.sought, steps) == (4, 6, 6, [4])


def test_an_empty_gallery_is_sound():
    store = FakeGalleryStore()
    gallery_service(store)
    found = check_gallery(store.open(GALLERY))
    assert (found.sound, found.subjects, found.sought) == (True, 0, 0)


def test_two_subjects_with_the_same_face_are_no_fault(gallery):
    (ann,) = gallery.enrolled(["ann"])
    made_of = list(gallery._entry("ann").made_of.values())
    gallery.create_subject("twin", ann.subject.profile, made_of)
    assert check_gallery(gallery).sound


def test_other_numbers_than_the_gallery_says(gallery):
    found = check_gallery(Wrapped(gallery, counts=lambda: GalleryCounts(4, 7)))
    assert (found.sound, found.miscounted, found.broken) == (False, True, ())


def test_a_template_that_no_search_finds(gallery):
    (ben,) = gallery.enrolled(["ben"])
    lost = ben.subject.templates[1].template_id

    def search(features, count):
        return [
            [h for h in hits if h.template_id != lost] for hits in gallery.search(features, count)
        ]

    found = check_gallery(Wrapped(gallery, search=search))
    assert (found.sound, found.not_found) == (False, ("ben",))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda features: features[:1],
        lambda features: features * np.float32(1.1),
        lambda features: features * np.float32("nan"),
    ],
    ids=["missing", "long", "not a number"],
)
def test_features_that_are_no_features(gallery, spoil):
    def enrolled(ids):
        return [
            EnrolledSubject(one.subject, spoil(one.features))
            if one.subject.subject_id == "cat"
            else one
            for one in gallery.enrolled(ids)
        ]

    found = check_gallery(Wrapped(gallery, enrolled=enrolled))
    assert (found.sound, found.broken) == (False, ("cat",))


def test_of_a_large_gallery_some_subjects_are_sought(gallery):
    found = check_gallery(Wrapped(gallery, counts=lambda: GalleryCounts(2000, 6)))
    assert (found.subjects, found.sought) == (4, 4)
