"""bfloat16 only where the processor multiplies it."""

from pathlib import Path

import pytest

from ood_face.runtime.precision import choose_precision, has_bfloat16, has_int8


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


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("avx512f avx512_vnni", True),
        ("avx2 avx_vnni", True),
        ("amx_int8", True),
        ("avx2 avx512f", False),
    ],
)
def test_integers_need_sums_of_32_bits(flags: str, expected: bool, tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"flags : fpu {flags}\n", encoding="ascii")
    assert has_int8(info) is expected


def test_no_cpuinfo_means_float32(tmp_path: Path) -> None:
    assert has_bfloat16(tmp_path / "missing") is False
    assert has_int8(tmp_path / "missing") is False


def test_auto_follows_the_processor_and_a_wish_is_kept() -> None:
    assert choose_precision("auto") == ("bfloat16" if has_bfloat16() else "float32")
    assert choose_precision("float32") == "float32"
    assert choose_precision("bfloat16") == "bfloat16"
    assert choose_precision("int8") == choose_precision("auto")
