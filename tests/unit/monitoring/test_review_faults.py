"""Whatever happens to the queue, a verdict is given."""

from __future__ import annotations

import logging
import resource
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from ood_face.errors import BackendError, BusyError, InputError, StorageError
from ood_face.monitoring.review import _WAITING
from ood_face.service import Flagger, GalleryService
from ood_face.types import IdentifyVerdict, ReviewLabel
from tests.fakes import fake_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.galleries import FakeGallery, FakeGalleryStore, Memory
from tests.fakes.review import case, everything, yes
from tests.fakes.templates import crop
from tests.unit.service.people import ANN, GALLERY, ask, dim, photo


def service_over(queue, store=None) -> GalleryService:
    store = FakeGalleryStore() if store is None else store
    service = GalleryService(fake_service(), store, RecordingAudit(), Flagger(queue, 0.5))
    service.create_gallery(GALLERY)
    service.enroll(GALLERY, ask("ann", photo(ANN)))
    return service


def test_a_file_that_another_process_has_locked_holds_no_verdict_up(queue, tmp_path, caplog):
    service = service_over(queue)
    other = sqlite3.connect(tmp_path / "review.sqlite", isolation_level=None)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        for _ in range(5):
            found = service.identify(GALLERY, dim(ANN, 0.5).image)
            assert found.verdict is IdentifyVerdict.RECAPTURE
        other.execute("ROLLBACK")
    queue.flush()
    # the lock was held for a moment only: what waited is written
    assert len(everything(queue)) == 5
    assert caplog.records == []


def test_on_a_full_disk_verdicts_go_on_and_the_log_says_so_once(queue, caplog):
    service = service_over(queue)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        for _ in range(5):
            found = service.identify(GALLERY, dim(ANN, 0.5).image)
            assert found.verdict is IdentifyVerdict.RECAPTURE
            queue.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert everything(queue) == []
    (told,) = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert told.startswith("1 verdicts are not in the review queue: ")
    # and when there is space again, it goes on
    service.identify(GALLERY, dim(ANN, 0.5).image)
    queue.flush()
    assert len(everything(queue)) == 1


def test_more_than_can_wait_are_left_out_and_nobody_waits(queue, caplog):
    begun, go_on = threading.Event(), threading.Event()

    def held() -> bool:
        begun.set()
        return go_on.wait(30)

    queue.offer(case(0), held)
    assert begun.wait(30)
    for number in range(_WAITING + 20):
        queue.offer(case(number), yes)
    go_on.set()
    queue.flush()
    assert len(everything(queue)) == _WAITING + 1
    assert "1 verdicts are not in the review queue: more come" in caplog.text


def test_an_error_of_one_batch_leaves_the_writer_alive(queue, caplog):
    def busy() -> bool:
        raise BusyError("storage.busy", "try again")

    queue.offer(case(1), busy)
    queue.flush()
    queue.offer(case(2), yes)
    queue.flush()
    assert [item.case.subject_id for item in everything(queue)] == ["subject-2"]
    assert "try again" in caplog.text


def test_a_closed_queue_takes_nothing_in_and_raises_only_where_it_is_asked(queue, caplog):
    queue.close()
    queue.close()
    queue.offer(case(), yes)
    assert "it is closed" in caplog.text
    with pytest.raises(StorageError):
        queue.label(1, ReviewLabel.SAME, "ann")


def test_closing_writes_what_waits(open_queue):
    queue = open_queue()
    for number in range(100):
        queue.offer(case(number), yes)
    queue.close()
    assert len(everything(open_queue())) == 100


def test_a_gallery_that_cannot_be_asked_costs_the_item_and_not_the_verdict(queue, caplog):
    memory = Memory()
    service = service_over(queue, FakeGalleryStore(memory))
    found = service.identify(GALLERY, dim(ANN, 0.5).image)
    queue.flush()
    assert len(everything(queue)) == 1

    class Unreachable(FakeGallery):
        def subject(self, subject_id):
            raise BackendError("fake.away", "nobody answers of {who}", who=subject_id)

    gallery = Unreachable(memory, memory.galleries[GALLERY])
    Flagger(queue, 0.5).sought(gallery, found, lambda _: crop(1))
    queue.flush()
    assert len(everything(queue)) == 1
    assert "a verdict is not in the review queue: nobody answers of ann" in caplog.text


def test_a_face_that_cannot_be_cut_out_costs_the_item_and_not_the_verdict(open_queue, caplog):
    queue = open_queue(keep_crops=True)
    service = service_over(queue)
    found = service.identify(GALLERY, photo(ANN).image)
    recapture = replace(found, verdict=IdentifyVerdict.RECAPTURE)

    def degenerate(_template):
        raise InputError("align.degenerate", "the landmarks lie on one line")

    Flagger(queue, 0.5).sought(service.open(GALLERY), recapture, degenerate)
    queue.flush()
    assert everything(queue) == []
    assert "the landmarks lie on one line" in caplog.text
