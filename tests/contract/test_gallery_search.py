"""Contract of gallery stores: templates, searches, reopening, many threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from ood_face.errors import InputError, TemplateMismatchError, TemplateNotFoundError
from ood_face.types import GalleryCounts, Profile, RequestToken
from tests.fakes.templates import crop, feature, gallery_info, near, template

NOBODY = Profile()


def numbers(subject):
    return [record.template_id for record in subject.templates]


def names(hits):
    return [hit.subject_id for hit in hits]


def test_templates_are_added_and_removed_at_once(gallery):
    made = gallery.create_subject("ada", Profile("Ada"), [template(1), template(2), template(3)])
    first, second, third = numbers(made)

    changed = gallery.change_templates("ada", [template(4)], [second, first], made.version)

    assert gallery.subject("ada") == changed
    assert changed.version > made.version
    assert changed.templates[0] == made.templates[2]
    assert changed.templates[1].template_id not in (first, second, third)
    assert replace(changed, templates=made.templates, version=made.version) == made
    (found,) = gallery.enrolled(["ada"])
    np.testing.assert_array_equal(found.features, [feature(3), feature(4)])
    assert gallery.counts() == GalleryCounts(1, 2)


def test_a_subject_may_lose_all_its_templates(gallery):
    made = gallery.create_subject("ada", NOBODY, [template(1)])

    gallery.change_templates("ada", [], numbers(made) * 2)

    assert gallery.subject("ada").templates == ()
    assert gallery.search(feature(1)[None], 9) == [[]]


def test_a_wrong_change_changes_nothing(gallery):
    made = gallery.create_subject("ada", NOBODY, [template(1), template(2), template(3)])
    other = gallery.create_subject("bob", NOBODY, [template(4)])
    new, foreign = template(5), template(6, model_id="other-2")

    for unknown in (numbers(other)[0], 0, -1, 2**53, 2**80):
        with pytest.raises(TemplateNotFoundError, match=str(unknown)):
            gallery.change_templates("ada", [new], [numbers(made)[0], unknown])
    with pytest.raises(TemplateMismatchError, match="other-2"):
        gallery.change_templates("ada", [new, foreign], numbers(made))
    with pytest.raises(InputError, match="6"):
        gallery.change_templates("ada", [new] * 4, numbers(made)[:1])

    assert gallery.subject("ada") == made
    assert len(gallery.search(feature(1)[None], 9)[0]) == 4


def test_a_lower_limit_counts_when_templates_are_added(store, gallery):
    made = gallery.create_subject("ada", NOBODY, [template(n) for n in range(4)])

    store.update(replace(gallery.info, max_templates=2))

    assert gallery.subject("ada") == made
    with pytest.raises(InputError, match="2"):
        gallery.change_templates("ada", [template(9)], numbers(made)[:2])
    gallery.change_templates("ada", [], numbers(made)[:1])
    after = gallery.change_templates("ada", [template(9)], numbers(made)[1:3])
    assert len(after.templates) == 2


def test_crops_are_kept_where_the_gallery_keeps_them(store, gallery):
    keeping = store.create(gallery_info("keeping", keep_crops=True))

    without = gallery.create_subject("ada", NOBODY, [template(1, with_crop=True)])
    kept = keeping.create_subject("ada", NOBODY, [template(1, with_crop=True), template(2)])

    assert [record.has_crop for record in without.templates] == [False]
    assert [record.has_crop for record in kept.templates] == [True, False]
    assert gallery.crop(numbers(without)[0]) is None
    np.testing.assert_array_equal(keeping.crop(numbers(kept)[0]), crop(1))
    assert keeping.crop(numbers(kept)[1]) is None
    for unknown in (numbers(without)[0], 0, -1, 2**80):
        with pytest.raises(TemplateNotFoundError):
            keeping.crop(unknown)


def test_crops_go_when_the_gallery_is_to_keep_none_and_do_not_come_back(store):
    keeping = store.create(gallery_info(keep_crops=True))
    made = keeping.create_subject("ada", NOBODY, [template(1, with_crop=True)])

    store.update(replace(keeping.info, keep_crops=False))
    assert keeping.crop(numbers(made)[0]) is None
    store.update(replace(keeping.info, keep_crops=True))

    assert keeping.crop(numbers(made)[0]) is None
    assert not keeping.subject("ada").templates[0].has_crop
    later = keeping.change_templates("ada", [template(2, with_crop=True)], [])
    assert [record.has_crop for record in later.templates] == [False, True]


def test_a_token_finds_what_its_request_has_made(gallery):
    tokens = [RequestToken(f"key-{n}", f"body-{n}") for n in range(3)]
    made = gallery.create_subject("ada", NOBODY, [template(1, token=tokens[0])], tokens[0])
    changed = gallery.change_templates("ada", [template(2, token=tokens[1])], [])

    assert gallery.find_token("key-0") == (tokens[0], changed)
    assert gallery.find_token("key-1") == (tokens[1], changed)
    assert gallery.find_token("key-2") is None
    gallery.change_templates("ada", [], numbers(changed)[1:])
    assert gallery.find_token("key-1") is None
    assert gallery.find_token("key-0") == (tokens[0], gallery.subject("ada"))
    assert numbers(made) == numbers(gallery.subject("ada"))


def test_a_search_returns_the_most_similar_first_with_exact_cosines(gallery):
    for number in range(30):
        gallery.create_subject(
            f"p{number}", NOBODY, [template(2 * number), template(2 * number + 1)]
        )
    probe = near(7, 0.8)

    (hits,) = gallery.search(probe[None], 10)

    known = np.stack([feature(number) for number in range(60)]).astype(np.float64)
    order = np.argsort(-(known @ probe.astype(np.float64)))[:10]
    assert names(hits) == [f"p{number // 2}" for number in order]
    assert [hit.similarity for hit in hits] == pytest.approx(known[order] @ probe, abs=1e-6)
    assert hits[0].template_id == numbers(gallery.subject("p3"))[1]


def test_a_search_returns_no_more_than_there_is(gallery):
    assert gallery.search(np.stack([feature(1), feature(2)]), 5) == [[], []]
    gallery.create_subject("ada", NOBODY, [template(1), template(2)])

    assert len(gallery.search(feature(1)[None], 100)[0]) == 2
    assert len(gallery.search(feature(1)[None], 1)[0]) == 1
    assert gallery.search(np.zeros((0, 512), np.float32), 5) == []


def test_probes_are_sought_together_as_alone(gallery):
    for number in range(20):
        gallery.create_subject(f"p{number}", NOBODY, [template(number)])
    probes = np.stack([near(number, 0.7) for number in range(12)])

    together = gallery.search(probes, 3)
    alone = [gallery.search(probe[None], 3)[0] for probe in probes]

    assert [names(hits) for hits in together] == [names(hits) for hits in alone]
    assert [hits[0].subject_id for hits in together] == [f"p{number}" for number in range(12)]


@pytest.mark.parametrize("shape", [(512,), (1, 511), (1, 1, 512)])
def test_what_is_no_probe_is_an_input_error(gallery, shape):
    with pytest.raises(InputError, match="512"):
        gallery.search(np.zeros(shape, np.float32), 1)


def test_a_search_sees_every_change_that_has_returned(gallery):
    for number in range(20):
        made = gallery.create_subject("ada", NOBODY, [template(number)])
        assert names(gallery.search(feature(number)[None], 1)[0]) == ["ada"]
        gallery.change_templates("ada", [template(number + 100)], numbers(made))
        (hit,) = gallery.search(feature(number)[None], 1)[0]
        assert hit.similarity < 0.5
        gallery.delete_subject("ada")
        assert gallery.search(feature(number + 100)[None], 1) == [[]]


def test_a_store_that_is_opened_again_has_the_same_content(home):
    probes = np.stack([near(number, 0.9) for number in range(8)])

    def content(store):
        gallery = store.open("staff")
        ids = [f"p{number}" for number in range(8)]
        found = gallery.enrolled(ids)
        crops = [
            gallery.crop(record.template_id) for one in found for record in one.subject.templates
        ]
        return (
            store.galleries(),
            gallery.counts(),
            gallery.subjects(None, 100),
            [one.features.tobytes() for one in found],
            [None if one is None else one.tobytes() for one in crops],
            [names(hits) for hits in gallery.search(probes, 3)],
        )

    store = home.open()
    gallery = store.create(gallery_info(keep_crops=True, calibration="night"))
    for number in range(9):
        new = [template(number, with_crop=number % 2 == 0), template(50 + number)]
        gallery.create_subject(f"p{number}", Profile(f"P{number}", {"n": number}), new)
    gallery.delete_subject("p8")
    gallery.change_templates("p7", [template(99)], numbers(gallery.subject("p7"))[:1])
    before = content(store)
    last = gallery.subject("p7").version
    store.close()

    for _ in range(2):
        store = home.open()
        assert content(store) == before
        store.close()
    store = home.open()
    made = store.open("staff").create_subject("new", NOBODY, [template(1)])
    store.close()
    assert made.version > last
    assert numbers(made)[0] not in [number for one in before[2] for number in numbers(one)]


def test_enrolling_finding_and_deleting_at_once_lose_nothing(gallery):
    people, workers = 12, 4
    stop = threading.Event()

    def enrol(worker):
        for number in range(worker * people, (worker + 1) * people):
            gallery.create_subject(f"p{number}", NOBODY, [template(number)])
            assert names(gallery.search(feature(number)[None], 1)[0]) == [f"p{number}"]
            if number % 3 == 0:
                gallery.delete_subject(f"p{number}")
                assert f"p{number}" not in names(gallery.search(feature(number)[None], 5)[0])

    def look():
        looked = 0
        while not stop.is_set():
            hits = gallery.search(np.stack([feature(1), feature(20)]), 5)
            assert all(
                names(found) == names(sorted(found, key=lambda h: -h.similarity)) for found in hits
            )
            gallery.subjects(None, 100)
            looked += 1
        return looked

    with ThreadPoolExecutor(workers + 1) as pool:
        looking = pool.submit(look)
        try:
            for done in [pool.submit(enrol, worker) for worker in range(workers)]:
                done.result()
        finally:
            stop.set()
        assert looking.result() > 0

    expected = sorted(f"p{number}" for number in range(workers * people) if number % 3)
    assert names(gallery.subjects(None, 100)) == expected
    assert gallery.counts() == GalleryCounts(len(expected), len(expected))
    assert sorted(names(gallery.search(feature(1)[None], 100)[0])) == expected
