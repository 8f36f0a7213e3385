"""Who is erased from a gallery is in no file of the review queue."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ood_face.service import Flagger, GalleryService
from ood_face.types import Profile, ReviewLabel
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGalleryStore
from tests.fakes.review import case, everything, yes
from tests.fakes.templates import crop, template
from tests.unit.service.people import ANN, BEN, GALLERY, ask, dim, photo

if TYPE_CHECKING:
    from pathlib import Path


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def with_ann_and_ben(queue) -> GalleryService:
    service = GalleryService(
        fake_service(), FakeGalleryStore(), RecordingAudit(), Flagger(queue, 0.5)
    )
    service.create_gallery(GALLERY)
    service.enroll(GALLERY, ask("ann-4711", photo(ANN)))
    service.enroll(GALLERY, ask("ben-4711", photo(BEN)))
    return service


def test_erasing_a_subject_erases_its_items_and_every_trace_of_them(open_queue, tmp_path):
    queue = open_queue(keep_crops=True)
    service = with_ann_and_ben(queue)
    for _ in range(3):
        service.identify(GALLERY, dim(ANN, 0.5).image)
        service.verify(GALLERY, "ben-4711", dim(BEN, 0.45).image)
    queue.flush()
    mine = [item for item in everything(queue) if item.case.subject_id == "ann-4711"]
    assert len(mine) == 3
    pixels = queue.crops(mine[0].item_id)[0].tobytes()
    assert b"ann-4711" in content(tmp_path)
    assert pixels[:3000] in content(tmp_path)

    service.remove_subject(GALLERY, "ann-4711")

    assert {item.case.subject_id for item in everything(queue)} == {"ben-4711"}
    assert b"ann-4711" not in content(tmp_path)
    assert b"ben-4711" in content(tmp_path)
    assert pixels[:3000] not in content(tmp_path)


def test_erasing_a_gallery_erases_its_items(queue, tmp_path):
    service = with_ann_and_ben(queue)
    service.identify(GALLERY, dim(ANN, 0.5).image)
    queue.offer(case(5, gallery="visitors"), yes)
    queue.flush()

    service.delete_gallery(GALLERY)

    assert [item.case.gallery for item in everything(queue)] == ["visitors"]
    assert b"ann-4711" not in content(tmp_path)


def test_a_verdict_on_its_way_while_its_subject_is_erased_stays_out(queue, tmp_path):
    service = with_ann_and_ben(queue)
    gallery = service.open(GALLERY)
    asked = []

    def erased_meanwhile() -> bool:
        # the subject goes after the verdict, before the item is written
        gallery.delete_subject("ann-4711")
        asked.append("ann-4711")
        return "ann-4711" in [one.subject_id for one in gallery.subjects(None, 10)]

    queue.offer(case(subject_id="ann-4711"), erased_meanwhile)
    queue.flush()

    assert asked == ["ann-4711"]
    assert everything(queue) == []
    assert b"ann-4711" not in content(tmp_path)


def test_somebody_else_who_got_the_id_meanwhile_gets_no_item(queue):
    service = with_ann_and_ben(queue)
    gallery = service.open(GALLERY)
    found = service.identify(GALLERY, dim(ANN, 0.5).image)
    queue.flush()
    assert len(everything(queue)) == 1
    service.remove_subject(GALLERY, "ann-4711")
    gallery.create_subject("ann-4711", Profile(), [template(9)])

    # the same verdict, as if it had been on its way all the time
    Flagger(queue, 0.5).sought(gallery, found, lambda _: crop(1))
    queue.flush()

    assert everything(queue) == []


def test_after_thousands_of_changes_in_any_order_no_erased_subject_is_left(open_queue, tmp_path):
    queue = open_queue(most_items=300)
    chance = random.Random(20)  # noqa: S311 - a seeded order of changes
    there: set[str] = set()
    erased: set[str] = set()
    for number in range(2500):
        # ids of unequal length, which SQLite's pages would move about
        name = f"#{number:05d}" + "x" * chance.randrange(0, 100)
        queue.offer(case(number % 97, subject_id=name, scenario="s" * (1 + number % 40)), yes)
        there.add(name)
        if number % 5 == 4:
            queue.flush()
            gone = chance.sample(sorted(there), 3)
            for one in gone:
                queue.forget("staff", one)
            there.difference_update(gone)
            erased.update(gone)
        if number % 50 == 49:
            for item in everything(queue)[:5]:
                queue.label(item.item_id, ReviewLabel.SAME, "ann")
    queue.flush()
    bytes_now = content(tmp_path)
    kept = {item.case.subject_id for item in everything(queue)}
    assert len(erased) == 1500
    assert kept
    assert all(name.encode() in bytes_now for name in kept)
    assert [name for name in erased if name[:6].encode() in bytes_now] == []


def test_who_was_erased_behind_the_queues_back_goes_with_the_next_sweep(queue, tmp_path):
    service = with_ann_and_ben(queue)
    service.identify(GALLERY, dim(ANN, 0.5).image)
    service.verify(GALLERY, "ben-4711", dim(BEN, 0.45).image)
    queue.offer(case(5, subject_id="cat-4711", gallery="not-there"), yes)
    nobody = {"gallery": None, "subject_id": None, "template_id": None}
    queue.offer(case(6, **nobody), yes)
    queue.flush()
    # another process, or one that was killed before it came to the queue
    service.open(GALLERY).delete_subject("ann-4711")

    assert queue.sweep() == 2

    assert [item.case.subject_id for item in everything(queue)] == [None, "ben-4711"]
    assert b"ann-4711" not in content(tmp_path)
    assert b"cat-4711" not in content(tmp_path)
    assert queue.sweep() == 0


def test_a_sweep_goes_through_all_subjects_part_by_part(queue):
    for number in range(250):
        queue.offer(case(number), yes)
    queue.flush()
    asked: list[str] = []

    def odd(_gallery: str, subject_id: str) -> bool:
        asked.append(subject_id)
        return int(subject_id.removeprefix("subject-")) % 2 == 1

    queue.watch(odd)
    assert sum(queue.sweep() for _ in range(3)) == 125
    assert len(set(asked)) == 250
    assert len(everything(queue)) == 125
    assert queue.sweep() == 0


def test_what_a_reader_keeps_in_the_log_goes_as_soon_as_it_has_read(queue, tmp_path):
    queue.offer(case(subject_id="ann-4711"), yes)
    queue.flush()
    with closing(sqlite3.connect(tmp_path / "review.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM item").fetchone() == (1,)
        assert queue.forget("staff", "ann-4711") == 1
        assert everything(queue) == []
        assert b"ann-4711" in content(tmp_path)
        reader.execute("ROLLBACK")
        queue.offer(case(2), yes)
        queue.flush()
        assert b"ann-4711" not in content(tmp_path)
