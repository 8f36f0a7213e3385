"""bfloat16 only where the processor multiplies it."""

from pathlib import Path

import pytest

from ood_face.runtime.precision import choose_precision, has_bfloat16


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f amx_bf16 amx_tile\n", True),
        ("flags : avx512_bf16\n", True),
        ("flags : fpu avx2 avx512f\n", False),
        ("model name : with amx_bf16 in its name\nflags : fpu\n", False),
        ("Features : fp asimd\n", False),
        ("", False),
    ],
)
def test_the_flags_decide(text: str, expected: bool, tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(text, encoding="ascii")
    assert has_bfloat16(info) is expected


def test_no_cpuinfo_means_float32(tmp_path: Path) -> None:
    assert has_bfloat16(tmp_path / "missing") is False


def test_auto_follows_the_processor_and_a_wish_is_kept() -> None:
    assert choose_precision("auto") == ("bfloat16" if has_bfloat16() else "float32")
    assert choose_precision("float32") == "float32"
    assert choose_precision("bfloat16") == "bfloat16"
