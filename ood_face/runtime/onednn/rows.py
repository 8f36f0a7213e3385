"""Rows of what a convolution gives, so that several threads can compute some each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.runtime.graph import Convolution

__all__ = ["Rows", "divided", "shares"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a convolution's target, and those of its source that they need.

    Attributes
    ----------
    source, target : (first, behind the last)
    padding : rows of zeros above and below the source's
    """

    source: tuple[int, int]
    target: tuple[int, int]
    padding: tuple[int, int]


def divided(step: Convolution, height: int, count: int) -> list[Rows]:
    """Divide the rows of a convolution's target among so many, or fewer if it has fewer.

    A single part has all rows of the source, whether it needs them or not.

    Parameters
    ----------
    step : the convolution
    height : of its source
    count : of parts
    """
    rows, _ = step.size_of(height, step.weight.shape[3])
    if count == 1:
        return [Rows((0, height), (0, rows), (step.padding[0],) * 2)]
    return [_needed(step, height, *share) for share in shares(rows, count)]


def shares(rows: int, count: int) -> Iterator[tuple[int, int]]:
    """Divide rows into so many parts, or fewer if there are fewer: (first, behind the last)."""
    parts = min(count, rows)
    return pairwise(rows * part // parts for part in range(parts + 1))


def _needed(step: Convolution, height: int, first: int, behind: int) -> Rows:
    top = first * step.strides[0] - step.padding[0]
    bottom = (behind - 1) * step.strides[0] - step.padding[0] + step.weight.shape[2]
    source = max(top, 0), min(bottom, height)
    return Rows(source, (first, behind), (source[0] - top, bottom - source[1]))
