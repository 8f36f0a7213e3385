"""A log that begins anew every day, whatever the clock does."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta

import pytest

from ood_face.supervision.rotation import DailyLog, Limits

NAME = "server.log"
MONDAY = date(2026, 11, 23)
DAY = timedelta(days=1)


class Writer:
    """Holds the log open and opens it again when told to, as supervisord does."""

    def __init__(self, path) -> None:
        self.path = path
        self.stream = path.open("a")
        self.told = 0

    def write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()

    def reopen(self) -> None:
        self.told += 1
        self.stream.close()
        self.stream = self.path.open("a")


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME


@pytest.fixture
def writer(path):
    made = Writer(path)
    yield made
    made.stream.close()


def date_back(path, day: date) -> None:
    moment = datetime(day.year, day.month, day.day, 12).timestamp()
    os.utime(path, (moment, moment))


def daily(writer, **limits: int) -> DailyLog:
    return DailyLog(writer.path, writer.reopen, Limits(**limits))


def pieces(path) -> dict[str, str]:
    """Return suffix -> content of all that was rotated."""
    return {
        other.name.removeprefix(f"{NAME}."): other.read_text()
        for other in sorted(path.parent.glob(f"{NAME}.*"))
    }


def test_the_first_tick_of_a_day_puts_the_lines_of_the_day_before_aside(path, writer) -> None:
    log = daily(writer)
    log.tend(MONDAY)
    writer.write("monday")

    log.tend(MONDAY)
    log.tend(MONDAY + DAY)
    writer.write("tuesday")

    assert pieces(path) == {"2026-11-23": "monday\n"}
    assert path.read_text() == "tuesday\n"


def test_what_is_written_before_the_writer_has_opened_anew_is_kept(path, writer) -> None:
    def reopen_late() -> None:
        writer.write("late")
        writer.reopen()

    log = DailyLog(path, reopen_late)
    log.tend(MONDAY)
    writer.write("monday")

    log.tend(MONDAY + DAY)

    assert pieces(path) == {"2026-11-23": "monday\nlate\n"}
    assert path.read_text() == ""


def test_seven_days_are_kept_and_the_eighth_goes(path, writer) -> None:
    log = daily(writer)
    for day in range(10):
        log.tend(MONDAY + day * DAY)
        writer.write(str(day))

    assert [text.strip() for text in pieces(path).values()] == ["2", "3", "4", "5", "6", "7", "8"]
    assert path.read_text() == "9\n"


def test_a_night_in_which_nothing_ran_does_not_mix_two_days(path, writer) -> None:
    daily(writer).tend(MONDAY)
    writer.write("monday")

    daily(writer).tend(MONDAY + 3 * DAY)

    assert pieces(path) == {"2026-11-23": "monday\n"}


def test_a_log_of_before_is_taken_for_that_of_its_last_change(path, writer) -> None:
    writer.write("monday")
    date_back(path, MONDAY)

    daily(writer).tend(MONDAY + DAY)

    assert pieces(path) == {"2026-11-23": "monday\n"}


def test_a_line_of_after_midnight_does_not_hide_the_change_of_the_day(path, writer) -> None:
    log = daily(writer)
    writer.write("monday")
    date_back(path, MONDAY)
    log.tend(MONDAY)
    writer.write("tuesday, a second after midnight")
    date_back(path, MONDAY + DAY)

    log.tend(MONDAY + DAY)

    assert list(pieces(path)) == ["2026-11-23"]


def test_a_clock_that_goes_back_rotates_and_deletes_nothing(path, writer) -> None:
    log = daily(writer)
    for day in range(8):
        log.tend(MONDAY + day * DAY)
        writer.write(str(day))
    before = pieces(path)

    log.tend(date(2020, 1, 1))
    log.tend(date(2020, 1, 1))

    assert pieces(path) == before
    assert path.read_text() == "7\n"


def test_a_clock_that_came_from_the_past_keeps_the_newest_lines(path, writer) -> None:
    log = daily(writer)
    for day in range(8):
        log.tend(MONDAY + day * DAY)
        writer.write(str(day))
    log.tend(date(2020, 1, 1))

    log.tend(MONDAY + 8 * DAY)

    assert pieces(path)["2020-01-01"] == "7\n"
    assert len(pieces(path)) == 7


def test_a_clock_that_jumps_to_and_fro_loses_at_most_what_a_midnight_does(path, writer) -> None:
    log = daily(writer)
    for day in range(8):
        log.tend(MONDAY + day * DAY)
        writer.write(f"day {day}")

    for jump in range(50):
        log.tend(date(2031, 1, 1))
        writer.write(f"future {jump}")
        log.tend(MONDAY + 7 * DAY)
        writer.write(f"now {jump}")

    kept = "".join([*pieces(path).values(), path.read_text()])
    assert [f"day {day}\n" in kept for day in range(8)] == [False, *[True] * 7]
    assert all(f"future {jump}\n" in kept and f"now {jump}\n" in kept for jump in range(50))


def test_a_file_that_is_too_large_is_rotated_before_midnight(path, writer) -> None:
    log = daily(writer, piece_bytes=10)
    log.tend(MONDAY)
    writer.write("0123456789")
    log.tend(MONDAY)
    writer.write("abcdefghij")
    log.tend(MONDAY)

    assert pieces(path) == {"2026-11-23": "0123456789\n", "2026-11-23.1": "abcdefghij\n"}


def test_all_pieces_together_stay_below_their_limit(path, writer) -> None:
    log = daily(writer, piece_bytes=10, total_bytes=30)
    for line in ("a" * 10, "b" * 10, "c" * 10, "d" * 10):
        writer.write(line)
        log.tend(MONDAY)

    assert [text[0] for text in pieces(path).values()] == ["c", "d"]


def test_what_the_writer_itself_put_aside_becomes_a_piece_before_the_rest(path, writer) -> None:
    log = daily(writer)
    log.tend(MONDAY)
    path.with_name(f"{NAME}.1").write_text("first\n")
    writer.write("second")

    log.tend(MONDAY + DAY)

    assert pieces(path) == {"2026-11-23": "first\n", "2026-11-23.1": "second\n"}


def test_a_full_disk_is_told_and_leaves_the_log_where_it_is(path, writer) -> None:
    log = daily(writer, spare_bytes=2**62)
    log.tend(MONDAY)
    writer.write("monday")

    for _ in range(2):
        with pytest.raises(OSError, match="too full to rotate"):
            log.tend(MONDAY + DAY)

    assert path.read_text() == "monday\n"
    assert pieces(path) == {}
    assert writer.told == 0


def test_a_writer_is_not_told_to_open_anew_on_a_full_disk(path) -> None:
    log = DailyLog(path, lambda: pytest.fail("told to"), Limits(spare_bytes=2**62))

    with pytest.raises(OSError, match="too full to rotate"):
        log.tend(MONDAY)


def test_a_day_without_lines_leaves_no_piece(path, writer) -> None:
    log = daily(writer)
    log.tend(MONDAY)

    log.tend(MONDAY + DAY)

    assert pieces(path) == {}


def test_a_log_that_is_not_there_is_asked_for_but_not_for_ever(path) -> None:
    told = []
    log = DailyLog(path, lambda: told.append(1))

    for _ in range(10):
        log.tend(MONDAY)

    assert len(told) == 3


def test_a_log_that_is_no_file_is_left_alone(path, writer) -> None:
    writer.stream.close()
    path.unlink()
    path.symlink_to("/dev/full")
    log = DailyLog(path, lambda: pytest.fail("told to open again"))

    log.tend(MONDAY)
    log.tend(MONDAY + DAY)

    assert path.is_symlink()


def test_other_files_are_nobodys_business(path, writer) -> None:
    others = [path.with_name(f"{NAME}.{end}") for end in ("2026-99-99", "gz", "2026-11-01.x")]
    for other in others:
        other.write_text("mine")
    log = daily(writer, days=1)
    for day in range(4):
        log.tend(MONDAY + day * DAY)
        writer.write("line")

    assert all(other.read_text() == "mine" for other in others)
