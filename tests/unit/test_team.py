"""Threads in C that help a caller: used by the loops, seen from outside."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ood_face.cores import core_count
from ood_face.crew import Crew
from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.pyramid import layout
from ood_face.detection.scanning import Scene, scan
from ood_face.team import Team
from tests.fakes.cores import several
from tests.fakes.native import compiled, native_library_at
from tests.unit.detection.networks import session

LONG_S = 60
IMAGE = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
LEVELS = layout(240, 320, 20, 0.709)


def threads_here():
    return {int(path.name) for path in Path("/proc/self/task").iterdir()}


def cpu_s(thread):
    return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[0]) / 1e9


def scanned(crew, network):
    with crew.gathered():
        windows, answers = scan(Scene(CompiledLoops().picture(IMAGE), crew), LEVELS, network, -3.0)
    return windows.tobytes(), answers.tobytes()


@compiled
@pytest.mark.parametrize("helpers", [1, 3, 63])
def test_a_team_has_as_many_threads_as_were_wanted_and_ends_them(helpers):
    before = threads_here()
    team = Team(helpers)
    assert team.address
    assert len(team.thread_ids) == helpers
    assert threads_here() - before == set(team.thread_ids)
    del team
    gc.collect()
    assert threads_here() == before


@compiled
def test_nobody_helps_where_nobody_is_wanted():
    assert Team(0).address == 0
    assert Team(0).thread_ids == []
    Team(0).gather()
    Team(0).rest()


def test_nobody_helps_without_the_library(tmp_path, monkeypatch):
    with native_library_at(tmp_path / "_native.so", monkeypatch):
        team = Team(2)
        team.gather()
        team.rest()
        assert (team.address, team.thread_ids) == (0, [])


@compiled
@several
def test_the_helpers_do_a_part_of_the_work():
    crew, network = Crew(2), session("pnet", workers=2)
    with crew.gathered():
        (helper,) = crew._team.thread_ids
    before = cpu_s(helper)
    until = time.monotonic() + LONG_S
    while cpu_s(helper) - before < 0.05 and time.monotonic() < until:
        scanned(crew, network)
    assert cpu_s(helper) - before >= 0.05


@compiled
def test_helpers_that_rest_take_no_time():
    team = Team(2)
    for _ in range(3):
        team.gather()
        team.rest()
    # who was told that more is to come waits for a while, no longer
    team.gather()
    time.sleep(0.1)
    before = [cpu_s(thread) for thread in team.thread_ids]
    time.sleep(0.2)
    assert sum(cpu_s(thread) for thread in team.thread_ids) - sum(before) < 0.02
    team.rest()


@compiled
def test_the_same_is_found_again_and_again_with_and_without_pauses():
    network, crew = session("pnet", workers=4), Crew(min(4, core_count()))
    expected = scanned(Crew(), network)
    for pause_s in (0, 0, 0.0001, 0.003, 0, 0.01):
        for _ in range(30):
            assert scanned(crew, network) == expected
            time.sleep(pause_s)


@compiled
def test_several_teams_do_not_mix_anything_up():
    network, found = session("pnet", workers=12), []
    expected = scanned(Crew(), network)

    def work():
        crew = Crew(2)
        found.extend(scanned(crew, network) == expected for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert found == [True] * 80


@compiled
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_copy_of_the_process_has_no_helpers_and_does_it_alone():
    crew, network = Crew(2), session("pnet", workers=2)
    expected = scanned(crew, network)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            same = scanned(crew, network) == expected
            del crew
            gc.collect()
        finally:
            os._exit(0 if same else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert scanned(crew, network) == expected
