from __future__ import annotations

import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ood_face.access import AuditQuery, SqliteAuditLog
from ood_face.errors import StorageError
from ood_face.types import AuditAction, AuditEvent, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATE = Caller("gate-2", "req-17")
ALL = AuditQuery()


@pytest.fixture
def log(tmp_path, clock) -> Iterator[SqliteAuditLog]:
    with closing(SqliteAuditLog(tmp_path, 30, clock)) as log:
        yield log


def event(
    subject_id: str | None = "anna-7",
    action: AuditAction = AuditAction.ENROLL,
    gallery: str = "staff",
) -> AuditEvent:
    return AuditEvent(action, gallery, subject_id, "enrolled", {"ood_score": 0.75, "templates": 2})


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_an_event_is_found_as_it_was_noted(log, clock):
    log.record(GATE, event())

    (found,) = log.find(ALL, 10)

    assert found.at == clock.now
    assert (found.request_id, found.caller) == ("req-17", "gate-2")
    assert (found.action, found.gallery, found.outcome) == (AuditAction.ENROLL, "staff", "enrolled")
    assert found.values == {"ood_score": 0.75, "templates": 2}
    assert re.fullmatch("[0-9a-f]{64}", found.subject_hash)


def test_no_file_holds_a_subjects_id(tmp_path, log):
    ids = ["anna-7.at-home", "张伟-00017", "dora@example.org"]
    for number, subject_id in enumerate(ids * 3):
        log.record(GATE, event(subject_id, gallery=f"g{number}"))

    content = bytes_of(tmp_path)

    assert b"gate-2" in content
    for subject_id in ids:
        assert subject_id.encode() not in content
        assert subject_id.encode("utf-16-le") not in content
        assert subject_id.encode().hex().encode() not in content.lower()


def test_files_are_their_owners_alone(tmp_path, log):
    log.record(GATE, event())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_who_knows_the_id_finds_what_was_done(log, clock):
    for subject_id, action in (
        ("anna", AuditAction.ENROLL),
        ("bert", AuditAction.ENROLL),
        ("anna", AuditAction.DELETE),
        (None, AuditAction.IDENTIFY),
    ):
        log.record(GATE, event(subject_id, action))
        clock.advance(seconds=1)

    of_anna = log.find(AuditQuery(subject_id="anna"), 10)

    assert [record.action for record in of_anna] == [AuditAction.DELETE, AuditAction.ENROLL]
    assert log.find(AuditQuery(subject_id="ann"), 10) == []


def test_filters_hold_together(log, clock):
    for gallery in ("staff", "guests"):
        for action in (AuditAction.ENROLL, AuditAction.IDENTIFY):
            for _ in range(2):
                log.record(GATE, event(action=action, gallery=gallery))
                clock.advance(minutes=1)
    # the last staff identification, told in another time zone
    since = (clock.start + timedelta(minutes=3)).astimezone(timezone(timedelta(hours=8)))
    query = AuditQuery("anna-7", "staff", AuditAction.IDENTIFY, since)

    (found,) = log.find(query, 10)

    assert found.at == clock.start + timedelta(minutes=3)
    assert len(log.find(AuditQuery(since=since), 10)) == 5
    assert len(log.find(AuditQuery(gallery="staff"), 10)) == 4


def test_the_limit_keeps_the_newest(log, clock):
    for number in range(5):
        log.record(Caller(f"k{number}"), event())
        clock.advance(seconds=1)
    assert [record.caller for record in log.find(ALL, 2)] == ["k4", "k3"]


def test_the_same_id_has_another_hash_in_another_log(tmp_path):
    hashes = set()
    for name in "ab":
        with closing(SqliteAuditLog(tmp_path / name, 30)) as log:
            log.record(GATE, event())
            hashes.add(log.find(ALL, 1)[0].subject_hash)
    assert len(hashes) == 2


def test_a_log_opened_again_knows_its_subjects(tmp_path, log, clock):
    log.record(GATE, event())
    with closing(SqliteAuditLog(tmp_path, 30, clock)) as second:
        second.record(GATE, event())
        assert len(second.find(AuditQuery(subject_id="anna-7"), 10)) == 2


def test_old_events_are_deleted_when_the_log_is_opened(tmp_path, log, clock):
    log.record(Caller("old"), event())
    clock.advance(days=1)
    log.record(Caller("young"), event())
    clock.advance(days=29, microseconds=1)

    with closing(SqliteAuditLog(tmp_path, 30, clock)) as second:
        assert [record.caller for record in second.find(ALL, 10)] == ["young"]


def test_old_events_are_deleted_while_others_come(log, clock):
    for _ in range(1201):  # more than are deleted at a time
        log.record(Caller("old"), event())
    clock.advance(days=30, hours=2)

    remaining = []
    for _ in range(3):
        log.record(Caller("young"), event())
        remaining.append(sum(record.caller == "old" for record in log.find(ALL, 2000)))

    assert remaining == [701, 201, 0]


def test_events_are_kept_to_their_last_moment(log, clock):
    log.record(Caller("kept"), event())
    clock.advance(days=30)
    assert log.prune() == 0
    clock.advance(microseconds=1)
    assert log.prune() == 1


def test_many_threads_record_and_none_is_lost(log):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.record(Caller(f"k{n}"), event(f"s{n}")), range(200)))

    assert {record.caller for record in log.find(ALL, 1000)} == {f"k{n}" for n in range(200)}


def test_what_a_refused_request_named_does_no_harm(tmp_path, log):
    odd = "\ud800" + "x" * 5000 + "'; DROP TABLE event"
    log.record(GATE, AuditEvent(AuditAction.VERIFY, odd, odd, "gallery.name", {"score": 1.5}))

    (found,) = log.find(AuditQuery(subject_id=odd), 10)

    assert len(found.gallery) == 100
    assert json.dumps(found.values) == '{"score": 1.5}'
    assert b"x" * 200 not in bytes_of(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=str(tmp_path)):
        SqliteAuditLog(tmp_path / "file" / "data", 30)


def test_a_clock_that_jumps_a_year_ahead_deletes_no_event(tmp_path, log, clock):
    log.record(Caller("before"), event())
    clock.advance(days=365)
    log.record(Caller("after"), event())
    with closing(SqliteAuditLog(tmp_path, 30, clock)) as second:
        second.record(Caller("again"), event())
        assert [record.caller for record in second.find(ALL, 10)] == ["again", "after", "before"]


def test_events_stand_in_their_order_also_where_the_clock_is_set_back(log, clock):
    for name in ("first", "second", "third"):
        log.record(Caller(name), event())
        clock.advance(hours=-1)

    assert [record.caller for record in log.find(ALL, 10)] == ["third", "second", "first"]
