from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

LINES = """
from ood_face.cli.progress import bar
with bar(2) as done:
    for number in (1, 2):
        print(f"line {number}")
        done(number)
"""


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_lines_for_a_file_stay_out_of_the_bar_on_the_terminal(terminal, tmp_path):
    ours, theirs = terminal
    with (tmp_path / "out").open("wb") as out:
        subprocess.run(
            [sys.executable, "-c", LINES], stdout=out, stderr=theirs, check=True, timeout=120
        )
    os.close(theirs)
    assert (tmp_path / "out").read_text() == "line 1\nline 2\n"
    shown = os.read(ours, 65536)
    assert b"2/2" in shown
    assert b"line" not in shown


def test_there_is_no_bar_in_a_log_file():
    done = subprocess.run(
        [sys.executable, "-c", LINES], capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("line 1\nline 2\n", "")
