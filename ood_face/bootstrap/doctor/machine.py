"""The machine: processor, memory, cores, how many files may be open."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ood_face.bootstrap.doctor.findings import ok, problem, warning
from ood_face.runtime.precision import has_bfloat16, has_int8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["Machine", "check_machine"]

_MIB = 2**20
# of the server with two workers after comparing pictures, measured: 607 MB, rounded up
_RESIDENT_MIB = 650
# measured with 100,000 templates enrolled: 994 MB
_TEMPLATE_BYTES = 4096
# what the process has open besides its connections, as the server reckons
_SPARE_FILES = 256
_SHOWN_FLAGS = ("avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the machine tells about itself.

    Attributes
    ----------
    proc, cgroup : of the kernel
    """

    proc: Path = Path("/proc")
    cgroup: Path = Path("/sys/fs/cgroup")


def check_machine(
    settings: Settings, templates: int, *, running: bool, machine: Machine | None = None
) -> Iterator[Finding]:
    """Look at processor, memory, cores and limits.

    Parameters
    ----------
    templates : how many are enrolled
    running : the server runs already, and has its memory
    machine : None: this one
    """
    machine = Machine() if machine is None else machine
    yield _cpu(settings, machine)
    yield _memory(settings, templates, machine, running=running)
    yield _cores(settings, machine)
    yield _files(settings)


def _cpu(settings: Settings, machine: Machine) -> Finding:
    info = machine.proc / "cpuinfo"
    flags = _flags(info)
    if "avx" not in flags:
        return (
            warning("cpu", "cpu_no_avx") if flags else warning("cpu", "cpu_unknown", file=str(info))
        )
    shown = " ".join(flag for flag in _SHOWN_FLAGS if flag in flags)
    chosen: str = settings.precision
    if chosen == "bfloat16" and "avx512bw" not in flags:
        return problem("cpu", "cpu_no_bfloat16", flags=shown)
    if chosen == "int8" and not has_int8(info):
        return problem("cpu", "cpu_no_int8", flags=shown)
    fast = has_bfloat16(info)
    if chosen == "bfloat16" and not fast:
        return warning("cpu", "cpu_slow_bfloat16", flags=shown)
    if chosen == "auto":
        chosen = "bfloat16" if fast else "float32"
    if "avx2" not in flags:
        return warning("cpu", "cpu_no_avx2", precision=chosen)
    return ok("cpu", "cpu_sound", flags=shown, precision=chosen)


def _flags(info: Path) -> frozenset[str]:
    for line in _text(info).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def _memory(settings: Settings, templates: int, machine: Machine, *, running: bool) -> Finding:
    fields = _meminfo(machine)
    total, available = fields.get("MemTotal"), fields.get("MemAvailable")
    if total is None or available is None:
        return warning("memory", "memory_unknown", file=str(machine.proc / "meminfo"))
    limit = _number(machine.cgroup / "memory.max")
    if limit is not None and limit // _MIB < total:
        total = limit // _MIB
        used = (_number(machine.cgroup / "memory.current") or 0) // _MIB
        available = min(available, max(0, total - used))
    # a picture is decoded whole, three bytes a pixel, one for each worker
    pictures = settings.workers * 3 * settings.max_image_pixels // _MIB
    needed = _RESIDENT_MIB + pictures + templates * _TEMPLATE_BYTES // _MIB
    values = {"needed": needed, "total": total, "available": available}
    if total < _RESIDENT_MIB:
        return problem("memory", "memory_too_small", **values)
    if (total if running else available) < needed:
        return warning("memory", "memory_short", **values)
    restarted_at = settings.memory_limit_mib
    if restarted_at is not None and restarted_at < needed:
        return warning("memory", "memory_limited", limit=restarted_at, **values)
    return ok("memory", "memory_sound", **values)


def _meminfo(machine: Machine) -> dict[str, int]:
    # MiB by name; the kernel counts in kB
    found = {}
    for line in _text(machine.proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdecimal():
            found[name] = int(number[0]) // 1024
    return found


def _cores(settings: Settings, machine: Machine) -> Finding:
    cores = len(os.sched_getaffinity(0))
    workers, threads = settings.workers, settings.threads_per_worker
    quota = _quota(machine)
    if quota is not None and quota < cores and max(workers, threads) > max(1, round(quota)):
        return warning(
            "cores", "cores_lent", quota=f"{quota:g}", cores=cores, workers=workers, threads=threads
        )
    if threads > cores or workers > 2 * cores:
        return warning("cores", "cores_too_few", cores=cores, workers=workers, threads=threads)
    return ok("cores", "cores_sound", cores=cores, workers=workers, threads=threads)


def _quota(machine: Machine) -> float | None:
    parts = _text(machine.cgroup / "cpu.max").split()
    if len(parts) != 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None  # "max": no limit
    return int(parts[0]) / int(parts[1])


def _files(settings: Settings) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + _SPARE_FILES
    # the server raises its own limit as far as it may
    most = hard if hard != resource.RLIM_INFINITY else max(soft, wanted)
    if most < wanted:
        return warning("files", "files_few", soft=soft, hard=most, wanted=wanted)
    return ok("files", "files_sound", soft=soft, hard=most)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    # what a kernel does not tell is not there, or may not be read
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
