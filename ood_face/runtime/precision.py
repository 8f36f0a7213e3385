"""Which number format a network computes in: bfloat16 where the processor has it, else float32.

In integers of 8 bits only on request: see :mod:`ood_face.runtime.quantization`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["Precision", "choose_precision", "has_bfloat16", "has_int8"]

Precision = Literal["auto", "float32", "bfloat16", "int8"]

CPU_INFO = Path("/proc/cpuinfo")
# with AVX-512 alone, oneDNN converts to float32 and back, slower than float32 itself; without
# AVX-512 it has nothing
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
# without these, sums of two products of integers are cut off at 16 bits
INT8_FLAGS = frozenset({"amx_int8", "avx512_vnni", "avx_vnni"})


def has_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Return whether the processor multiplies bfloat16 numbers; False where nobody says."""
    return _has_one(BFLOAT16_FLAGS, cpu_info)


def has_int8(cpu_info: Path = CPU_INFO) -> bool:
    """Return whether it adds up products of 8-bit integers in 32 bits; False where nobody says."""
    return _has_one(INT8_FLAGS, cpu_info)


def _has_one(wanted: frozenset[str], cpu_info: Path) -> bool:
    try:
        text = cpu_info.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    lines = (line.partition(":") for line in text.splitlines())
    flags = next((value for key, _, value in lines if key.strip() == "flags"), "")
    return not wanted.isdisjoint(flags.split())


def choose_precision(wanted: Precision) -> Literal["float32", "bfloat16"]:
    """Resolve ``auto``: bfloat16 where the processor has it; ``int8``: for what is no integer."""
    if wanted in ("auto", "int8"):
        return "bfloat16" if has_bfloat16() else "float32"
    return "bfloat16" if wanted == "bfloat16" else "float32"
