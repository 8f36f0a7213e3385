"""A child that ends with its parent."""

from __future__ import annotations

import subprocess
import sys

import psutil

CHILD = """
import time
from ood_face.supervision.parent import end_with_parent
print(end_with_parent(), flush=True)
time.sleep(600)
"""
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        lines = {parent.stdout.readline().strip() for _ in range(2)}
        (pid,) = map(int, lines - {"True"})
        child = psutil.Process(pid)
        alive = child.is_running()

        parent.kill()
        parent.wait()

        # whoever adopts it may not have collected it yet
        gone, _ = psutil.wait_procs([child], timeout=60)
        ended = bool(gone) or child.status() == psutil.STATUS_ZOMBIE
    assert alive
    assert ended


def test_an_argument_that_is_not_known_is_refused_and_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "webui", "--loud"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == "ood_face: unknown argument --loud; there is --supervised\n"
