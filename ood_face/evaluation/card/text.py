"""Markdown from figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["WORDS", "command_line", "joined", "number", "percent", "picture", "table", "words"]

# names of the report that read badly as they are
WORDS = {
    "cfp_ff": "CFP frontal-frontal",
    "cfp_fp": "CFP frontal-profile",
    "ood_score": "`ood_score` (RTS variance)",
    "mc_dropout_variance": "MC-dropout variance",
    "one_minus_max_probability": "1 - max softmax",
    "laplacian_sharpness": "Laplacian sharpness",
    "patch": "heavily cropped faces",
    "flat": "flat colours",
    "texture": "textures",
    "upside_down": "faces upside down",
    "turned": "faces turned by 75 degrees and more",
    "noise": "random noise",
}


def words(name: str) -> str:
    """Return how a name of the report reads."""
    return WORDS.get(name, name.replace("_", " "))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def number(value: float | None, interval: Sequence[float] | None = None, digits: int = 3) -> str:
    """Return a number with its interval in brackets; a dash where there is none."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    if interval is None:
        return text
    return f"{text} ({interval[0]:.{digits}f}-{interval[1]:.{digits}f})"


def percent(value: float | None, interval: Sequence[float] | None = None, digits: int = 1) -> str:
    """Return a share in percent with its interval in brackets; a dash where there is none."""
    if value is None:
        return "-"
    text = f"{100 * value:.{digits}f} %"
    if interval is None:
        return text
    return f"{text} ({100 * interval[0]:.{digits}f}-{100 * interval[1]:.{digits}f})"


def picture(name: str, says: str, plots: Sequence[str]) -> str:
    """Return a plot, or nothing where it was not drawn."""
    return f"![{says}](plots/{name})" if name in plots else ""


def command_line(command: str) -> str:
    """Return the line that says how a table was made."""
    return f"From `{command}`."


def joined(*parts: str) -> str:
    """Return the parts that say something, as paragraphs."""
    return "\n\n".join(part for part in parts if part) + "\n"
