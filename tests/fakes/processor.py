"""What this processor can do, and what needs one that multiplies integers of 8 bits."""

from __future__ import annotations

import pytest

from ood_face.runtime.precision import CPU_INFO, has_int8

__all__ = ["needs_int8", "processor_has"]


def processor_has(*flags: str) -> bool:
    """Whether the system says all of these of the processor."""
    return set(flags) <= set(CPU_INFO.read_text(encoding="ascii").split())


# elsewhere int8 is refused, and a test of its own says so
needs_int8 = pytest.mark.skipif(
    not has_int8(), reason="this processor does not add products of 8-bit integers up in 32 bits"
)
