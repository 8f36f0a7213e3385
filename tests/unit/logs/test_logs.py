"""The log: plain or JSON, one record a line."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime

import pytest

from ood_face.logs import JsonFormatter, PlainFormatter, refuse


def record(message: str, *values: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("ood_face.x").makeRecord(
        "ood_face.x", logging.WARNING, "x.py", 1, message, values, None, extra=extra
    )


def failed() -> logging.LogRecord:
    made = record("broke")
    try:
        int("line one\nline two")
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def test_a_line_of_json_says_when_who_and_what() -> None:
    made = record("gallery %s has %d", "人", 3)
    made.created = 1795336599.1239

    line = json.loads(JsonFormatter().format(made))

    assert line == {
        "time": "2026-11-22T08:36:39.123Z",
        "level": "WARNING",
        "logger": "ood_face.x",
        "message": "gallery 人 has 3",
    }


def test_what_belongs_to_a_request_has_fields_and_nothing_else_has() -> None:
    fields = {"request_id": "r1", "method": "POST", "route": "/v1/x", "status": 200, "ms": 1.5}

    line = json.loads(JsonFormatter().format(record("m", **fields, name_of_a_person="Ann")))

    assert {name: line[name] for name in fields} == fields
    assert "Ann" not in str(line)


def test_an_exception_stays_in_its_line_of_json() -> None:
    text = JsonFormatter().format(failed())

    assert "\n" not in text
    assert (
        r"ValueError: invalid literal for int() with base 10: 'line one\nline two'"
        in json.loads(text)["exception"]
    )


def test_a_message_cannot_make_a_line_of_the_plain_log_or_move_the_cursor() -> None:
    text = PlainFormatter().format(record("file %s", "a\n2026-01-01 ERROR forged\x1b[2J"))

    assert text.endswith(r"ood_face.x file a\n2026-01-01 ERROR forged\x1b[2J")
    assert len(text.splitlines()) == 1


def test_a_plain_line_begins_with_the_time_and_a_traceback_follows_it() -> None:
    first, *others = PlainFormatter().format(failed()).splitlines()

    assert datetime.strptime(first[:19], "%Y-%m-%d %H:%M:%S")
    assert first.endswith("WARNING ood_face.x broke")
    assert others[0] == "Traceback (most recent call last):"


@pytest.mark.parametrize("kind", ["plain", "json"])
def test_the_reason_of_an_end_is_one_line(kind, capsys, caplog) -> None:
    refuse("no weights", kind)

    told = capsys.readouterr().err
    assert (told, caplog.messages) == (
        ("ood_face: no weights\n", []) if kind == "plain" else ("", ["no weights"])
    )


def test_defects_in_any_thread_and_warnings_are_lines_of_json() -> None:
    program = """
import threading, warnings
from ood_face.logs import configure, log_uncaught
configure("INFO", "json")
log_uncaught()
warnings.warn("careful")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise KeyError("x")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["WARNING", "CRITICAL", "CRITICAL"]
    assert "careful" in lines[0]["message"]
    assert "ZeroDivisionError" in lines[1]["exception"]
    assert "KeyError" in lines[2]["exception"]
    assert done.returncode == 1
