"""What only the store in SQLite does: the clock, its index as a cache, large galleries."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest

from ood_face.matching.sqlite import SqliteGalleryStore, reading
from ood_face.matching.sqlite.cache import IndexCache
from ood_face.matching.sqlite.erasing import Eraser
from ood_face.matching.sqlite.keeper import Keeper
from ood_face.matching.sqlite.schema import MIGRATIONS, PAGE_SIZE
from ood_face.storage import Database
from ood_face.types import GalleryCounts, Profile
from tests.fakes.templates import feature, gallery_info, template


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "galleries.sqlite", MIGRATIONS, page_size=PAGE_SIZE)
    yield opened
    opened.close()


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def test_numbers_grow_also_where_the_clock_is_set_back(tmp_path):
    clock = Clock(2_000_000_000_000_000)
    numbers = []
    for _ in range(3):
        store = SqliteGalleryStore(tmp_path, now=clock)
        gallery = store.create(gallery_info(f"g{len(numbers)}"))
        made = gallery.create_subject("ada", Profile(), [template(1), template(2)])
        numbers += [gallery.info.version, made.version]
        numbers += [record.template_id for record in made.templates]
        store.close()
        clock.now -= 10**12

    assert numbers == sorted(set(numbers))
    assert numbers[0] == 2_000_000_000_000_000


def test_times_are_those_of_the_clock_also_where_it_is_set_back(tmp_path):
    clock = Clock(2_000_000_000_000_000)
    store = SqliteGalleryStore(tmp_path, now=clock)
    gallery = store.create(gallery_info())
    clock.now = 1_700_000_000_123_456

    made = gallery.create_subject("ada", Profile(), [template(1)])
    store.close()

    expected = "2023-11-14T22:13:20.123456+00:00"
    assert made.created_at.isoformat() == expected
    assert made.templates[0].created_at.isoformat() == expected


def test_a_gallery_grows_past_the_limit_of_exact_search_and_back(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    probes = np.stack([feature(number) for number in (0, 150, 699)])
    store = SqliteGalleryStore(tmp_path, compress_above=650)
    gallery = store.create(gallery_info())
    gallery.search(probes, 1)
    for number in range(700):
        gallery.create_subject(f"p{number}", Profile(), [template(number)])
    first = gallery.search(probes, 3)
    store.close()
    assert "compressing" in caplog.text

    store = SqliteGalleryStore(tmp_path, compress_above=650)
    gallery = store.open("staff")
    again = gallery.search(probes, 3)
    for number in range(100, 400):
        gallery.delete_subject(f"p{number}")
    shrunk = gallery.search(probes, 500)
    store.close()

    for found in (first, again):
        assert [hits[0].subject_id for hits in found] == ["p0", "p150", "p699"]
        assert all(hits[0].similarity == pytest.approx(1, abs=1e-5) for hits in found)
    assert [len(hits) for hits in shrunk] == [400, 400, 400]
    assert [hits[0].subject_id == "p150" for hits in shrunk] == [False, False, False]
    assert shrunk[2][0].subject_id == "p699"


def test_a_page_is_read_without_reading_what_comes_before(database):
    # a scan or a sort would take a million rows for a page of ten
    plans = []
    with database.reading() as connection:
        connection.set_trace_callback(plans.append)
        reading.page(connection, 1, "after-me", 10)
        connection.set_trace_callback(None)
        queries = [query for query in plans if query.startswith("SELECT")]
        steps = [
            step
            for query in queries
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}")
        ]

    assert any("SEARCH subjects USING INDEX subjects_by_id" in step for step in steps)
    assert any("SEARCH templates USING INDEX templates_by_subject" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step]


def test_an_index_that_cannot_follow_a_change_is_made_again(tmp_path, database, caplog):
    cache = IndexCache(database, 1, tmp_path / "1.faiss", 1000)
    cache.index().add(np.array([5]), feature(5)[None])

    with cache.changing() as change:
        change.added = {5: template(5)}  # the index has it already

    assert "could not follow" in caplog.text
    assert len(cache.index()) == 0, "the tables have no template"


def test_an_error_before_the_commit_leaves_the_index_as_it_was(tmp_path, database):
    cache = IndexCache(database, 1, tmp_path / "1.faiss", 1000)
    index = cache.index()

    def fail():
        with cache.changing() as change:
            change.added = {5: template(5)}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert cache.index() is index
    assert len(index) == 0
    assert cache.unsaved is None


class FakeCache:
    """An index that changed once; says when it is saved."""

    def __init__(self, works=True):
        self.unsaved = (0.0, 0.0)
        self.saved = threading.Event()
        self._works = works

    def save(self):
        self.saved.set()
        if self._works:
            self.unsaved = None
        return self._works


@pytest.fixture
def eraser(database):
    opened = Eraser(database)
    yield opened
    opened.close()


def test_a_changed_index_is_saved_in_the_background(eraser):
    cache = FakeCache()

    keeper = Keeper(lambda: [cache], eraser, save_after_s=0.001)

    assert cache.saved.wait(30)
    keeper.close()
    assert cache.unsaved is None
    assert not eraser.pending


def test_an_index_that_cannot_be_saved_stops_nothing(eraser):
    broken, sound = FakeCache(works=False), FakeCache()

    keeper = Keeper(lambda: [broken], eraser, save_after_s=0.001)
    assert broken.saved.wait(30)
    keeper.close()
    keeper = Keeper(lambda: [broken, sound], eraser, save_after_s=3600)
    keeper.close()

    assert sound.saved.is_set()


def test_an_index_is_saved_when_the_store_is_closed_and_loaded_when_it_is_opened(tmp_path, caplog):
    store = SqliteGalleryStore(tmp_path, save_after_s=3600)
    gallery = store.create(gallery_info())
    gallery.search(feature(1)[None], 1)
    gallery.create_subject("ada", Profile(), [template(1)])
    assert list((tmp_path / "index").iterdir()) == []
    store.close()

    with caplog.at_level(logging.INFO):
        store = SqliteGalleryStore(tmp_path)
        assert "loaded" not in caplog.text
        (hits,) = store.open("staff").search(feature(1)[None], 1)
        store.close()

    assert [hit.subject_id for hit in hits] == ["ada"]
    assert "index of 1 templates loaded" in caplog.text


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    SqliteGalleryStore(tmp_path).close()
    (tmp_path / "index" / ".1.faiss.abc.part").write_bytes(b"half")
    (tmp_path / "index" / "12345.faiss").write_bytes(b"of a gallery that is gone")

    SqliteGalleryStore(tmp_path).close()

    assert list((tmp_path / "index").iterdir()) == []


def test_files_are_for_their_owner_alone(tmp_path):
    store = SqliteGalleryStore(tmp_path / "data")
    gallery = store.create(gallery_info())
    gallery.create_subject("ada", Profile(), [template(1)])
    gallery.search(feature(1)[None], 1)
    store.save()

    rights = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").rglob("*")}
    store.close()

    assert len(rights) >= 6
    assert set(rights.values()) == {0}, rights


def test_searching_while_subjects_are_deleted_returns_as_many_as_there_are(tmp_path):
    store = SqliteGalleryStore(tmp_path)
    gallery = store.create(gallery_info())
    for number in range(60):
        gallery.create_subject(f"p{number}", Profile(), [template(number)])
    stop = threading.Event()
    short: list[int] = []

    def search():
        while not stop.is_set():
            (hits,) = gallery.search(feature(1)[None], 10)
            short.extend([len(hits)] * (len(hits) != 10))

    searching = threading.Thread(target=search)
    searching.start()
    for number in range(40):
        gallery.delete_subject(f"p{number}")
    stop.set()
    searching.join()
    counts = gallery.counts()
    store.close()

    assert short == []
    assert counts == GalleryCounts(20, 20)


def test_galleries_of_the_first_version_are_taken_over(tmp_path):
    before = Database(tmp_path / "galleries.sqlite", MIGRATIONS[:1], page_size=PAGE_SIZE)
    with before.writing() as connection:
        connection.execute(
            "INSERT INTO galleries (gallery, name, model_id, scenario, max_templates, keep_crops, "
            "created, version) VALUES (7, 'staff', 'm-1', 'gate', 3, 1, 1700000000000000, 9)"
        )
    before.close()

    for _ in range(2):
        store = SqliteGalleryStore(tmp_path)
        [found] = store.galleries()
        assert (found.name, found.scenario, found.calibration) == ("staff", "gate", None)
        assert (found.max_templates, found.keep_crops, found.version) == (3, True, 9)
        store.close()
    store = SqliteGalleryStore(tmp_path)
    changed = store.update(replace(found, calibration="night"))
    assert store.open("staff").info == changed
    assert changed.calibration == "night"
    store.close()
