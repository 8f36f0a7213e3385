"""The loops over cells and boxes in C and in NumPy say the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.interpreted import NumpyLoops
from ood_face.detection.pyramid import BLOCK, layout
from tests.fakes.native import compiled

pytestmark = compiled

LEVELS = layout(311, 433, 15, 0.709)
CELLS = (int(LEVELS.tiles_px[0, 0]) - 12) // 2 + 1


def answer(seed=0, spread=2.0):
    """Return what a P-Net says of a tile."""
    return np.random.default_rng(seed).normal(0, spread, (5, CELLS, CELLS)).astype(np.float32)


def above(said, blocks, lowest):
    """Return the windows and answers that both find, which must be the same."""
    ours, numpys = (of.cells_above(said, blocks, lowest) for of in (CompiledLoops(), NumpyLoops()))
    for one, other in zip(ours, numpys, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    return ours


def kept(boxes, order, groups, limit, *, of_smaller):
    """Return which boxes both keep, which must be the same."""
    ours, numpys = (
        of.kept(boxes, order, groups, limit, of_smaller=of_smaller)
        for of in (CompiledLoops(), NumpyLoops())
    )
    assert ours.dtype == numpys.dtype
    assert ours.tolist() == numpys.tolist()
    return ours.tolist()


def boxes_of(count, seed, whole):
    """Return boxes, their order and groups, many of them alike."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 40, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 30, (count, 2))], axis=1)
    boxes = (np.round(boxes) if whole else boxes).astype(np.float32)
    order = np.argsort(rng.integers(0, 5, count), kind="stable")
    return boxes, order, rng.integers(0, 3, count)


@pytest.mark.parametrize("lowest", [-100.0, -0.3, 0.4054651, 3.0, 100.0])
@pytest.mark.parametrize("tile", range(len(LEVELS.tiles)))
def test_the_cells_of_a_tile_are_found_alike(tile, lowest):
    said, blocks = answer(tile), LEVELS.tiles[tile]
    windows, answers = above(said, blocks, lowest)
    assert windows.shape == (len(answers), 3)
    assert answers.shape[1] == 5
    assert (answers[:, 0] >= np.float32(lowest)).all()
    if lowest == -100:
        assert len(windows) == (blocks["rows"] * blocks["cols"]).sum()
        assert len(np.unique(windows, axis=0)) == len(windows)


def test_a_cell_is_told_by_its_place_in_its_level_with_all_that_was_said_of_it():
    block = np.array([(4, 90, 80, 30, 20, 7, 5, 9, 33)], dtype=BLOCK)
    said = np.full((5, CELLS, CELLS), -1.0, dtype=np.float32)
    said[:, 7 + 8, 5 + 32] = (2.0, 0.1, 0.2, 0.3, 0.4)  # the last one of the block
    said[:, 7 + 9, 5 + 3] = said[:, 7 + 3, 5 + 33] = said[:, 6, 5] = said[:, 7, 4] = (
        9.0  # beside it
    )
    windows, answers = above(said, block, 0.0)
    assert windows.tolist() == [[4, 38, 52]]
    assert answers == pytest.approx(np.array([[2.0, 0.1, 0.2, 0.3, 0.4]]))


def test_an_answer_may_be_longer_than_it_is_wide():
    blocks = np.array([(1, 0, 0, 0, 0, 2, 3, 40, 10), (2, 0, 0, 5, 6, 50, 0, 9, 13)], dtype=BLOCK)
    said = np.random.default_rng(6).normal(0, 2, (5, 61, 13)).astype(np.float32)
    windows, answers = above(said, blocks, 1.0)
    assert set(windows[:, 0]) == {1, 2}
    _, row, col = windows[0]
    assert answers[0].tolist() == said[:, 2 + row, 3 + col].tolist()


@pytest.mark.parametrize("cols", [1, 31, 32, 33, 63, 64, 65])
def test_blocks_of_any_width_lose_no_cell(cols):
    block = np.array([(0, 0, 0, 0, 0, 2, 3, 4, cols)], dtype=BLOCK)
    for at in range(cols):
        said = np.zeros((5, CELLS, CELLS), dtype=np.float32)
        said[0, 4, 3 + at] = 1
        windows, _ = above(said, block, 0.5)
        assert windows.tolist() == [[0, 2, at]]


def test_just_the_limit_is_found_and_no_number_is_not():
    said = np.zeros((5, CELLS, CELLS), dtype=np.float32)
    limit = np.float32(0.4054651)
    said[0, 0, :4] = np.nextafter(limit, np.float32(0)), np.nan, limit, np.inf
    # once more where nothing else near it is found
    said[0, 0, 70] = limit
    block = np.array([(0, 0, 0, 0, 0, 0, 0, 1, 75)], dtype=BLOCK)
    windows, _ = above(said, block, float(limit))
    assert windows[:, 2].tolist() == [2, 3, 70]


def test_an_answer_may_lie_in_any_way():
    said = answer()
    for apart in (np.asfortranarray(said), np.repeat(said, 2, axis=2)[..., ::2], said[:, ::-1]):
        one, other = above(apart, LEVELS.tiles[0], 1.0), above(apart.copy(), LEVELS.tiles[0], 1.0)
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tobytes() == other[1].tobytes()


@pytest.mark.parametrize("of_smaller", [False, True])
@pytest.mark.parametrize("limit", [0.0, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("whole", [False, True])
def test_many_boxes_are_suppressed_alike(whole, limit, of_smaller):
    left = kept(*boxes_of(600, 1, whole), limit, of_smaller=of_smaller)
    # the best one of each group stays at least; nothing covers more than all of another
    assert 3 <= len(left) < 600 if limit < 1 else len(left) == 600


@settings(max_examples=200)
@given(st.integers(0, 40), st.integers(0, 9999), st.booleans(), st.floats(0, 1), st.booleans())
def test_any_boxes_are_suppressed_alike(count, seed, whole, limit, of_smaller):
    boxes, order, groups = boxes_of(count, seed, whole)
    left = kept(boxes, order, groups, limit, of_smaller=of_smaller)
    assert left[:1] == order[:1].tolist()


@pytest.mark.parametrize("of_smaller", [False, True])
def test_of_equal_boxes_the_first_in_order_stays(of_smaller):
    boxes = np.tile(np.array([[0, 0, 10, 10]], dtype=np.float32), (4, 1))
    order = np.array([2, 0, 3, 1])
    assert kept(boxes, order, np.zeros(4, np.int64), 0.5, of_smaller=of_smaller) == [2]
    # an overlap of 1 is none too many
    assert kept(boxes, order, np.zeros(4, np.int64), 1.0, of_smaller=of_smaller) == [2, 0, 3, 1]


def test_an_overlap_of_just_the_limit_stays():
    boxes = np.array([[0, 0, 2, 1], [1, 0, 3, 1]], dtype=np.float32)
    order, groups = np.arange(2), np.zeros(2, np.int64)
    assert kept(boxes, order, groups, 1 / 3, of_smaller=False) == [0, 1]
    assert kept(boxes, order, groups, np.nextafter(1 / 3, 0), of_smaller=False) == [0]
    # whole pixels: 2 x 2 of 3 x 2
    assert kept(boxes, order, groups, 2 / 3, of_smaller=True) == [0, 1]
    assert kept(boxes, order, groups, 0.66, of_smaller=True) == [0]


@pytest.mark.parametrize("of_smaller", [False, True])
def test_boxes_that_only_touch_stay(of_smaller):
    # where sides count whole pixels, the next one begins a pixel later
    gap = 1 if of_smaller else 0
    boxes = np.array([[0, 0, 5, 5], [5 + gap, 0, 9, 5], [0, 5 + gap, 5, 9]], dtype=np.float32)
    order, groups = np.array([1, 2, 0]), np.zeros(3, np.int64)
    assert kept(boxes, order, groups, 0.0, of_smaller=of_smaller) == [1, 2, 0]


@pytest.mark.parametrize("of_smaller", [False, True])
def test_other_groups_never_suppress(of_smaller):
    boxes = np.tile(np.array([[-9, -9, -1, -1]], dtype=np.float32), (6, 1))
    groups = np.array([3, 3, -1, 7, -1, 3])
    assert kept(boxes, np.arange(6), groups, 0.1, of_smaller=of_smaller) == [0, 2, 3]


@pytest.mark.parametrize("of_smaller", [False, True])
def test_no_boxes_none_kept(of_smaller):
    none, order = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    assert kept(none, order, order, 0.5, of_smaller=of_smaller) == []


def test_only_the_boxes_in_order_are_looked_at():
    boxes, _, _ = boxes_of(50, 2, whole=True)
    groups = np.zeros(50, np.int64)
    left = kept(boxes, np.array([7, 3, 40]), groups, 0.9, of_smaller=False)
    assert set(left) <= {7, 3, 40}
    assert left[0] == 7


def test_boxes_may_lie_in_any_way():
    boxes, order, groups = boxes_of(80, 4, whole=False)
    expected = kept(boxes, order, groups, 0.4, of_smaller=True)
    apart = np.asfortranarray(boxes), np.repeat(order, 2)[::2], groups[::-1].copy()[::-1]
    assert kept(*apart, 0.4, of_smaller=True) == expected


@settings(max_examples=200)
@given(st.integers(2, 12), st.integers(0, 9999), st.booleans())
def test_boxes_turned_inside_out_are_suppressed_alike(count, seed, of_smaller):
    # a network may move a box's left side past its right one
    boxes, order, groups = boxes_of(count, seed, whole=True)
    turned = np.random.default_rng(seed).integers(0, 2, count).astype(bool)
    boxes[turned] = boxes[turned][:, [2, 1, 0, 3]]
    left = kept(boxes, order, groups, 0.5, of_smaller=of_smaller)
    assert left[:1] == order[:1].tolist()
