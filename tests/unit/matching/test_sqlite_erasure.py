"""What was erased is in no file of the data folder; found by reading all their bytes."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.matching.sqlite.residue import Residue
from ood_face.matching.sqlite.schema import MIGRATIONS, PAGE_SIZE
from ood_face.storage import Database
from ood_face.types import Profile
from tests.fakes.templates import crop, feature, gallery_info, template

GALLERY = (
    "INSERT INTO galleries (gallery, name, model_id, scenario, max_templates, keep_crops, "
    "created, version) VALUES (1, 'staff', 'm', 's', 1, 0, 0, 0)"
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def store(folder):
    opened = SqliteGalleryStore(folder, save_after_s=0.01)
    yield opened
    opened.close()


@pytest.fixture
def gallery(store):
    return store.create(gallery_info(keep_crops=True))


def traces(folder, subject_id=None, number=None):
    """Return which files have a subject's id, or the feature or the crop of a template."""
    sought = [] if subject_id is None else [("id", subject_id.encode())]
    if number is not None:
        # also a part of it is a trace
        sought += [("feature", feature(number).tobytes()[512:576])]
        sought += [("crop", crop(number).tobytes()[20_000:20_064])]
    return sorted(
        f"{what} in {path.name}"
        for path in folder.rglob("*")
        if path.is_file()
        for what, content in sought
        if content in path.read_bytes()
    )


def enrol(gallery, *people):
    for number, name in enumerate(people):
        new = [template(number, with_crop=True), template(100 + number)]
        gallery.create_subject(name, Profile(f"Name of {name}", {"of": name}), new)


def test_the_search_for_traces_finds_them(folder, store, gallery):
    enrol(gallery, "ada-lovelace")
    gallery.search(feature(1)[None], 1)
    store.save()

    found = traces(folder, "ada-lovelace", 0)

    assert {line.split(" in ")[0] for line in found} == {"id", "feature", "crop"}
    assert any(line.startswith("feature in") and line.endswith(".faiss") for line in found)


def test_a_deleted_subject_is_in_no_file(folder, store, gallery):
    enrol(gallery, "ada-lovelace", "bob-marley")
    gallery.update_subject("ada-lovelace", Profile("ada-lovelace again", {"a": "b" * 3000}))
    gallery.search(feature(1)[None], 1)
    store.save()

    gallery.delete_subject("ada-lovelace")

    assert traces(folder, "ada-lovelace", 0) == []
    assert traces(folder, number=100) == []
    store.save()
    store.close()
    assert traces(folder, "ada-lovelace", 0) == []
    assert traces(folder, "bob-marley", 1) != []


def test_a_removed_template_is_in_no_file(folder, store, gallery):
    enrol(gallery, "ada-lovelace")
    gallery.search(feature(1)[None], 1)
    store.save()
    first = gallery.subject("ada-lovelace").templates[0].template_id

    gallery.change_templates("ada-lovelace", [template(7)], [first])

    assert traces(folder, number=0) == []
    assert traces(folder, number=100) != []


def test_a_subject_that_is_deleted_before_its_index_was_loaded_is_in_no_file(folder, store):
    enrol(store.create(gallery_info()), "ada-lovelace", "bob-marley")
    store.open("staff").search(feature(1)[None], 1)
    store.close()

    again = SqliteGalleryStore(folder)
    again.open("staff").delete_subject("ada-lovelace")

    assert traces(folder, "ada-lovelace", 0) == []
    again.close()
    # the others need not be indexed again
    assert [path.suffix for path in (folder / "index").iterdir()] == [".faiss"]


def test_crops_that_are_not_to_be_kept_are_in_no_file(folder, store, gallery):
    enrol(gallery, *(f"p{number}" for number in range(8)))

    store.update(replace(gallery.info, keep_crops=False))

    found = [line for number in range(8) for line in traces(folder, number=number)]
    assert len(found) >= 8
    assert [line for line in found if line.startswith("crop")] == []


def test_a_deleted_gallery_is_in_no_file_and_gives_its_space_back(folder, store, gallery):
    other = store.create(gallery_info("other"))
    other.create_subject("bob-marley", Profile(), [template(50)])
    enrol(gallery, *(f"person-number-{number}" for number in range(40)))
    gallery.search(feature(1)[None], 1)
    store.save()

    store.delete("staff")

    assert not any(traces(folder, f"person-number-{number}", number) for number in range(40))
    # the crops alone had 1.5 MB
    assert (folder / "galleries.sqlite").stat().st_size < 200_000
    assert other.search(feature(50)[None], 1)[0][0].subject_id == "bob-marley"


def test_what_a_reader_holds_is_erased_later(folder, store, gallery):
    enrol(gallery, "ada-lovelace", "bob-marley")
    reader = sqlite3.connect(folder / "galleries.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM subjects").fetchone() == (2,)

    gallery.delete_subject("ada-lovelace")
    assert traces(folder, "ada-lovelace", 0) != []
    reader.execute("ROLLBACK")
    reader.close()
    store.close()

    assert traces(folder, "ada-lovelace", 0) == []


def test_an_erasure_that_a_process_left_is_finished_by_the_next(folder):
    store = SqliteGalleryStore(folder)
    enrol(store.create(gallery_info("going")), "ada-lovelace")
    enrol(store.create(gallery_info("staying", keep_crops=True)), "bob-marley")
    store.close()
    # as it is when a process dies between the commit and the erasure
    database = sqlite3.connect(folder / "galleries.sqlite")
    database.execute("UPDATE galleries SET name = NULL WHERE name = 'going'")
    database.execute(
        "UPDATE galleries SET keep_crops = 0, erasing_crops = 1, crops_since = 9e15 "
        "WHERE name = 'staying'"
    )
    database.commit()
    database.close()

    store = SqliteGalleryStore(folder)
    assert [info.name for info in store.galleries()] == ["staying"]
    store.close()

    assert traces(folder, "ada-lovelace") == []
    assert traces(folder, "bob-marley") != []
    database = sqlite3.connect(folder / "galleries.sqlite")
    assert database.execute("SELECT count(*) FROM crops").fetchone() == (0,)
    database.close()


@pytest.mark.parametrize("whole_file", [False, True])
def test_copies_that_sqlite_left_in_unused_places_are_removed(folder, whole_file):
    # rows of all lengths come, change and go, so that pages are split and joined
    database = Database(folder / "galleries.sqlite", MIGRATIONS, "NORMAL", PAGE_SIZE)
    residue = Residue(database, whole_file)
    choice = random.Random(1)  # noqa: S311 - a test repeats itself
    there: list[str] = []
    gone: list[str] = []
    with database.writing() as connection:
        connection.execute(GALLERY)
        for number in range(4000):
            there.append(f"{choice.getrandbits(64):016x}-" + "x" * choice.randint(1, 20))
            connection.execute(
                "INSERT INTO subjects (gallery, subject_id, metadata, created, version) "
                "VALUES (1, ?, ?, 0, 0)",
                (there[-1], "m" * choice.randint(2, 2000)),
            )
            if number % 3 == 0:
                connection.execute(
                    "UPDATE subjects SET metadata = ? WHERE gallery = 1 AND subject_id = ?",
                    ("m" * choice.randint(2, 2000), choice.choice(there)),
                )
            if number % 2 == 0:
                gone.append(there.pop(choice.randrange(len(there))))
                connection.execute(
                    "DELETE FROM subjects WHERE gallery = 1 AND subject_id = ?", (gone[-1],)
                )

    assert database.scrub()
    content = (folder / "galleries.sqlite").read_bytes()
    left = [one for one in gone if one.encode() in content]
    with database.settled() as settled:
        assert settled
        removed = residue.remove([subject_id.encode() for subject_id in left])
    content = (folder / "galleries.sqlite").read_bytes()
    database.close()
    residue.close()

    assert left != [], "this SQLite leaves nothing: the search for remains is not needed"
    assert removed
    assert [one for one in gone if one.encode() in content] == []
    assert all(one.encode() in content for one in there)


def test_rows_of_features_leave_nothing(folder):
    database = Database(folder / "galleries.sqlite", MIGRATIONS, "NORMAL", PAGE_SIZE)
    rng = np.random.default_rng(1)
    blobs = {1_800_000_000_000_000 + n: rng.bytes(2048) for n in range(1500)}
    gone: list[int] = []
    with database.writing() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.executemany("INSERT INTO features VALUES (?, ?)", blobs.items())
        for number in rng.permutation(list(blobs))[:1200].tolist():
            connection.execute("DELETE FROM features WHERE template = ?", (number,))
            gone.append(number)
        # the rows had no templates
        connection.execute(GALLERY)
        connection.execute(
            "INSERT INTO subjects (subject, gallery, subject_id, metadata, created, version) "
            "VALUES (1, 1, 'ada', '{}', 0, 0)"
        )
        connection.execute(
            "INSERT INTO templates (template, gallery, subject, model_id, source_hash, created) "
            "SELECT template, 1, 1, 'm', '', 0 FROM features"
        )
    assert database.scrub()
    database.close()

    content = (folder / "galleries.sqlite").read_bytes()
    assert [number for number in gone if blobs[number][1000:1032] in content] == []
    assert all(blobs[number][1000:1032] in content for number in set(blobs) - set(gone))
