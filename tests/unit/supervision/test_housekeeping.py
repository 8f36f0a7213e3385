"""The listener that rotates the log and keeps the control socket."""

from __future__ import annotations

import io
import socket
from datetime import date

import pytest

from ood_face.supervision.housekeeping import Housekeeping, main
from ood_face.supervision.rotation import DailyLog
from ood_face.supervision.socket_file import KeptSocket
from tests.fakes.supervisor import events_of

MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)


@pytest.fixture
def control(tmp_path, monkeypatch):
    """Yield a socket that is listened on; its folder is the working folder, for short names."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind("control.sock")
        listening.listen()
        yield tmp_path / "control.sock"


def reaches(path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path.name)
        except OSError:
            return False
    return True


def test_a_deleted_socket_is_put_back_and_reaches_who_listens(control) -> None:
    kept = KeptSocket(control)
    kept.tend()
    control.unlink()

    kept.tend()

    assert reaches(control)


def test_a_socket_nobody_listens_on_is_not_put_back(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = KeptSocket(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind("dead.sock")
    kept.tend()
    (tmp_path / "dead.sock").unlink()

    kept.tend()

    assert not (tmp_path / "dead.sock").exists()


def test_the_link_follows_a_socket_that_is_another(control) -> None:
    kept = KeptSocket(control)
    kept.tend()
    control.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as second:
        second.bind("control.sock")
        second.listen()
        kept.tend()
        control.unlink()

        kept.tend()

        assert reaches(control)
        second.accept()[0].close()


def test_the_listener_rotates_at_once_and_at_every_event(tmp_path, control) -> None:
    path = tmp_path / "server.log"
    path.write_text("old\n")
    path.with_name(".server.log.day").write_text("2026-11-22\n")
    days = iter([MONDAY, MONDAY, TUESDAY])

    def today() -> date:
        day = next(days)
        if not path.exists():
            path.write_text(f"{day}\n")
        return day

    house = Housekeeping(DailyLog(path, lambda: None), KeptSocket(control), today)
    house.run(events_of("TICK_5", "TICK_5"), io.StringIO())

    rotated = sorted(other.name for other in tmp_path.glob("server.log.*"))
    assert rotated == ["server.log.2026-11-22", "server.log.2026-11-23"]


def test_nothing_is_left_when_supervisord_has_gone(tmp_path, control) -> None:
    house = Housekeeping(DailyLog(tmp_path / "none.log", lambda: None), KeptSocket(control))

    house.run(events_of(), io.StringIO())

    assert not list(tmp_path.glob(".control.sock*"))


def test_what_cannot_be_done_is_told_once(tmp_path, control, caplog) -> None:
    path = tmp_path / "folder.log" / "server.log"
    (tmp_path / "folder.log").write_text("a file")
    house = Housekeeping(DailyLog(path, lambda: None), KeptSocket(control))

    for _ in range(3):
        house.tend()

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("not done: ")


def test_wrong_arguments_are_refused() -> None:
    assert main([]) == 2
