"""``ood-face doctor`` about the machine, Python and the packages."""

from __future__ import annotations

import resource
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from ood_face import native
from ood_face.bootstrap.doctor import State, installed, machine
from ood_face.bootstrap.doctor.installed import PYTHONS, check_installed, check_native
from ood_face.bootstrap.doctor.machine import Machine, check_machine
from ood_face.config import Settings
from tests.fakes.native import native_library_at

ROOT = Path(__file__).resolve().parents[3]
FAST = "fpu avx avx2 avx512f avx512_bf16 amx_bf16"
MIB = 2**20


class Fake:
    """A kernel that tells of another machine."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.cgroup = folder / "proc", folder / "cgroup"
        self.proc.mkdir()
        self.cgroup.mkdir()
        self.flags(FAST)
        self.memory(8000, 6000)

    def flags(self, flags: str) -> None:
        (self.proc / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")

    def memory(self, total_mib: int, available_mib: int) -> None:
        lines = f"MemTotal: {total_mib * 1024} kB\nMemAvailable: {available_mib * 1024} kB\n"
        (self.proc / "meminfo").write_text(lines)

    def check(self, templates: int = 0, *, running: bool = False, **settings: object):
        """Return what is found, by check."""
        given = Settings(_env_file=None, **{"workers": 1, "threads_per_worker": 1} | settings)
        made = Machine(self.proc, self.cgroup)
        found = check_machine(given, templates, running=running, machine=made)
        return {one.check: one for one in found}


@pytest.fixture
def fake(tmp_path) -> Fake:
    return Fake(tmp_path)


def key(found) -> tuple[State, str]:
    return found.state, found.key


def test_a_machine_that_has_everything_is_fine(fake):
    found = fake.check()

    assert {one.state for one in found.values()} == {State.OK}
    assert found["cpu"].values["precision"] == "bfloat16"
    assert "amx_bf16" in str(found["cpu"].values["flags"])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse4_2", "cpu_no_avx"),
        ("fpu avx", "cpu_no_avx2"),
        ("fpu avx avx2", "cpu_sound"),
    ],
)
def test_a_processor_without_what_paddle_needs_is_a_warning(fake, flags, expected):
    fake.flags(flags)

    found = fake.check()["cpu"]

    assert found.key == expected
    assert found.values.get("precision", "float32") == "float32"
    assert found.state is (State.OK if expected == "cpu_sound" else State.WARNING)


def test_bfloat16_where_the_processor_has_none_is_a_problem(fake):
    fake.flags("fpu avx avx2")
    assert key(fake.check(precision="bfloat16")["cpu"]) == (State.PROBLEM, "cpu_no_bfloat16")
    assert fake.check(precision="auto")["cpu"].state is State.OK


def test_integers_where_the_processor_does_not_add_them_up_are_a_problem(fake):
    fake.flags("fpu avx avx2 avx512f avx512bw avx512_bf16")
    assert key(fake.check(precision="int8")["cpu"]) == (State.PROBLEM, "cpu_no_int8")
    fake.flags("fpu avx avx2 avx_vnni")
    found = fake.check(precision="int8")["cpu"]
    assert found.state is State.OK
    assert found.values["precision"] == "int8"


def test_bfloat16_where_it_has_to_be_converted_is_a_warning(fake):
    fake.flags("fpu avx avx2 avx512f avx512bw")
    assert key(fake.check(precision="bfloat16")["cpu"]) == (State.WARNING, "cpu_slow_bfloat16")


def test_a_kernel_that_tells_nothing_is_a_warning(fake):
    (fake.proc / "cpuinfo").unlink()
    (fake.proc / "meminfo").write_text("nothing: here\n")

    found = fake.check()

    assert key(found["cpu"]) == (State.WARNING, "cpu_unknown")
    assert key(found["memory"]) == (State.WARNING, "memory_unknown")


def test_memory_is_compared_with_what_pictures_and_galleries_take(fake):
    fake.memory(4000, 1000)
    assert fake.check()["memory"].state is State.OK
    assert fake.check(workers=4)["memory"].key == "memory_short"
    assert fake.check(templates=200_000)["memory"].key == "memory_short"
    # a server that runs has its memory already
    assert fake.check(workers=4, running=True)["memory"].state is State.OK


def test_a_limit_that_the_server_must_pass_is_a_warning(fake):
    assert fake.check(memory_limit_mib=700)["memory"].key == "memory_limited"
    assert fake.check(memory_limit_mib=2000)["memory"].state is State.OK


def test_a_machine_that_is_too_small_is_a_problem(fake):
    fake.memory(500, 400)
    assert key(fake.check()["memory"]) == (State.PROBLEM, "memory_too_small")


def test_the_limit_of_a_container_counts(fake):
    (fake.cgroup / "memory.max").write_text(f"{512 * MIB}\n")
    (fake.cgroup / "memory.current").write_text(f"{100 * MIB}\n")

    found = fake.check()["memory"]

    assert found.state is State.PROBLEM
    assert (found.values["total"], found.values["available"]) == (512, 412)
    (fake.cgroup / "memory.max").write_text("max\n")
    assert fake.check()["memory"].state is State.OK


def test_more_workers_than_a_container_may_use_are_a_warning(fake, monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _pid: set(range(16)))
    (fake.cgroup / "cpu.max").write_text("200000 100000\n")

    assert fake.check(workers=2, threads_per_worker=2)["cores"].state is State.OK
    found = fake.check(workers=16, threads_per_worker=16)["cores"]
    assert key(found) == (State.WARNING, "cores_lent")
    assert found.values["quota"] == "2"


def test_more_threads_than_cores_are_a_warning(fake, monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _pid: {0, 1})

    assert fake.check(threads_per_worker=2)["cores"].state is State.OK
    assert fake.check(threads_per_worker=3)["cores"].key == "cores_too_few"
    assert fake.check(workers=5)["cores"].key == "cores_too_few"


def test_a_low_limit_on_open_files_is_a_warning(fake, monkeypatch):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _which: (256, 1024))
    assert key(fake.check()["files"]) == (State.WARNING, "files_few")
    infinite = (1024, resource.RLIM_INFINITY)
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _which: infinite)
    assert fake.check()["files"].state is State.OK


def test_packages_are_compared_with_the_lock(tmp_path):
    lock = tmp_path / "serve.lock"
    numpy = installed.metadata.version("numpy")

    def found(text: str):
        lock.write_text(text)
        return {one.check: one for one in check_installed(lock)}["packages"]

    assert key(found(f"numpy=={numpy} \\\n    --hash=sha256:0\n")) == (State.OK, "packages_sound")
    other = found("numpy==0.1 \\\n")
    assert key(other) == (State.WARNING, "packages_other")
    assert other.values["names"] == f"numpy {numpy} (0.1)"
    assert key(found("no-such-package==1 \\\n")) == (State.PROBLEM, "packages_missing")
    assert found("no-such-package==1 ; python_full_version == '3.99' \\\n").state is State.OK
    lock.unlink()
    assert [one.key for one in check_installed(lock)][-1] == "packages_no_lock"


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Give the place where another installation would have its library."""
    path = tmp_path / "_native.so"
    with native_library_at(path, monkeypatch):
        yield path


def test_where_nothing_was_compiled_a_compiler_is_asked_for(compiled):
    found = check_native()

    assert key(found) == (State.WARNING, "native_missing")
    assert found.values == {"folder": str(compiled.parent)}


@pytest.mark.parametrize("content", [b"", b"no library"])
def test_a_library_that_cannot_be_loaded_is_a_warning_with_the_reason(compiled, content):
    compiled.write_bytes(content)

    found = check_native()

    assert key(found) == (State.WARNING, "native_unusable")
    assert str(found.values["reason"]).startswith(compiled.name)


def test_a_library_that_can_be_loaded_is_named(compiled, monkeypatch):
    compiled.write_bytes(b"a library")
    monkeypatch.setattr(native, "library", cache(lambda: None))

    found = check_native()

    assert key(found) == (State.OK, "native_sound")
    assert found.values == {"file": str(compiled)}


def test_another_python_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setattr(installed, "PYTHONS", ((3, 99), (4, 0)))
    assert key(next(check_installed(tmp_path / "none"))) == (State.PROBLEM, "python_other")


def test_the_pythons_are_those_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, beyond = (".".join(map(str, one)) for one in PYTHONS)

    assert project["requires-python"] == f">={first},<{beyond}"
    assert PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]
