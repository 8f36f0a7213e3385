"""Which number format a network computes in: bfloat16 where the processor has it, else float32."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["Precision", "choose_precision", "has_bfloat16"]

Precision = Literal["auto", "float32", "bfloat16"]

CPU_INFO = Path("/proc/cpuinfo")
# with AVX-512 alone, oneDNN converts to float32 and back, slower than float32 itself; without
# AVX-512 it has nothing
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})


def has_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Return whether the processor multiplies bfloat16 numbers; False where nobody says."""
    try:
        text = cpu_info.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    lines = (line.partition(":") for line in text.splitlines())
    flags = next((value for key, _, value in lines if key.strip() == "flags"), "")
    return not BFLOAT16_FLAGS.isdisjoint(flags.split())


def choose_precision(wanted: Precision) -> Literal["float32", "bfloat16"]:
    """Resolve ``auto``: bfloat16 where the processor has it."""
    if wanted == "auto":
        return "bfloat16" if has_bfloat16() else "float32"
    return wanted
