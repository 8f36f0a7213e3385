"""Convolutions by Winograd's filtering say what their definition says, as far as bfloat16 goes."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from ood_face.native.bfloat16 import bfloat16_bits
from ood_face.runtime.graph import Convolution
from ood_face.runtime.onednn import winograd
from ood_face.runtime.onednn.descriptors import Stream
from ood_face.runtime.onednn.steps import Steps
from ood_face.runtime.onednn.weights import SharedWeights
from ood_face.runtime.onednn.winograd import Winograd, fits, packed, parts, usable
from tests.fakes.native import compiled
from tests.fakes.processor import processor_has
from tests.unit.runtime.test_onednn_steps import answer, noise, opened

# pictures, channels, rows, columns, filters: of the backbone, odd, wide and single
SHAPES = [
    (1, 64, 56, 56, 64),
    (1, 128, 14, 14, 256),
    (3, 256, 7, 7, 128),
    (2, 32, 5, 9, 64),
    (1, 32, 1, 1, 32),
    (1, 32, 3, 230, 32),
]

# numbers behind what the native code may write to
SPARE = 4096


def computed_here():
    """Whether this processor multiplies bfloat16 in its registers; the native code knows, too."""
    there = processor_has("avx512_bf16", "avx512vl", "avx512bw")
    assert bool(winograd.library().winograd_usable()) == there
    return there


def made(shape, *, relu=True, whole=False, seed=0):
    """Return a convolution at random, and its source and residual; ``whole``: small integers."""
    pictures, channels, rows, cols, filters = shape
    rng = np.random.default_rng(seed)

    def numbers(*sides):
        return (rng.integers(-1, 2, sides) if whole else rng.normal(0, 1, sides)).astype(np.float32)

    weight, bias = numbers(filters, channels, 3, 3), numbers(filters)
    weight *= 4 if whole else (9 * channels) ** -0.5
    step = Convolution(0, 1, weight, bias, (1, 1), (1, 1), relu=relu)
    source, added = numbers(pictures, rows, cols, channels), numbers(pictures, rows, cols, filters)
    return step, rounded(source), rounded(4 * added if whole else added)


def rounded(values):
    return widened(bfloat16_bits(values))


def widened(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def plain(step, source, added):
    """Say by the definition, in float64, what the convolution says."""
    padded = np.pad(source.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    weight = step.weight.astype(np.float64)
    sums = np.einsum("nhwcij,fcij->nhwf", windows, weight, optimize=True) + step.bias
    if added is not None:
        sums += added
    return np.maximum(sums, 0) if step.relu else sums


def by_pieces(step, source, added, count=1, wanted=None, before=np.nan):
    """Return what the native code says, in so many pieces, of which only those wanted are done."""
    pictures, rows, cols, channels = source.shape
    network = Winograd(step, packed(step.weight), (pictures, channels, rows, cols))
    given, summed = bfloat16_bits(source), None if added is None else bfloat16_bits(added)
    filters = len(step.weight)
    target = bfloat16_bits(np.full(pictures * rows * cols * filters + SPARE, before))
    room = bfloat16_bits(np.full(network.room_bytes // 2 + SPARE, np.nan))
    behind = target[-SPARE:].copy(), room[-SPARE:].copy()
    steps, pieces = Steps([Stream()]), network.pieces(count)
    for index in range(len(pieces)) if wanted is None else wanted:
        piece = pieces[index]
        piece.source.move(given.ctypes.data)
        piece.target.move(target.ctypes.data)
        piece.room.move(room.ctypes.data)
        if summed is not None:
            piece.added.move(summed.ctypes.data)
        steps.add_native(network.entry, network.address, piece.address)
    steps.run()
    assert np.array_equal(target[-SPARE:], behind[0])
    assert np.array_equal(room[-SPARE:], behind[1])
    return widened(target[:-SPARE]).reshape(pictures, rows, cols, filters)


@compiled
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("relu", "residual"), [(True, True), (False, True), (True, False)])
def test_it_says_what_its_definition_says(shape, relu, residual):
    if not computed_here():
        return
    step, source, added = made(shape, relu=relu)
    added = added if residual else None
    found, expected = by_pieces(step, source, added), plain(step, source, added)
    assert np.abs(found - expected).max() < 2**-7 * np.abs(expected).max()
    assert np.abs(found - expected).mean() < 2**-8 * np.abs(expected).mean()


@compiled
@pytest.mark.parametrize("shape", SHAPES)
def test_where_nothing_is_rounded_it_is_exact(shape):
    if not computed_here():
        return
    step, source, added = made(shape, relu=False, whole=True)
    step.bias[:] *= 4
    # fours up to 1024 are bfloat16 numbers
    source[..., 24:] = 0
    expected = plain(step, source, added)
    assert 0 < np.abs(expected).max() <= 1024
    assert np.array_equal(by_pieces(step, source, added), expected)


@compiled
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_pieces_say_what_the_whole_says(shape, count):
    if not computed_here():
        return
    step, source, added = made(shape)
    whole = by_pieces(step, source, added)
    assert by_pieces(step, source, added, count).tobytes() == whole.tobytes()


@compiled
def test_a_piece_writes_its_rows_and_no_others():
    if not computed_here():
        return
    step, source, added = made((2, 32, 9, 6, 32))
    whole = by_pieces(step, source, added)
    for index, (first, behind) in enumerate(parts(9, 3)):
        found = by_pieces(step, source, added, 3, [index], before=-1)
        assert np.array_equal(found[:, first:behind], whole[:, first:behind])
        assert (np.delete(found, np.s_[first:behind], axis=1) == -1).all()


@compiled
def test_each_picture_is_seen_for_itself():
    if not computed_here():
        return
    step, source, added = made((4, 64, 7, 7, 32))
    together = by_pieces(step, source, added)
    for at in range(4):
        one = np.s_[at : at + 1]
        assert by_pieces(step, source[one], added[one]).tobytes() == together[one].tobytes()


@pytest.mark.parametrize("rows", [1, 2, 7, 14, 55])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 60])
def test_rows_are_divided_at_even_ones(rows, count):
    found = list(parts(rows, count))
    assert (found[0][0], found[-1][1]) == (0, rows)
    assert all(one[1] == next_one[0] for one, next_one in pairwise(found))
    assert all(first % 2 == 0 and first < behind for first, behind in found)
    assert len(found) == min(count, -(-rows // 2))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((48, 32, 3, 3), {}),
        ((32, 3, 3, 3), {}),
        ((32, 32, 1, 1), {"padding": (0, 0)}),
        ((32, 32, 3, 3), {"strides": (2, 2)}),
        ((32, 32, 3, 3), {"padding": (0, 0)}),
        ((32, 32, 3, 3), {"slopes": np.ones(32, np.float32)}),
    ],
    ids=["filters", "channels", "kernel", "strides", "padding", "PReLU"],
)
def test_other_convolutions_are_not_for_it(shape, options):
    given = {"strides": (1, 1), "padding": (1, 1), **options}
    step = Convolution(0, 1, np.zeros(shape, np.float32), np.zeros(shape[0], np.float32), **given)
    assert not fits(step)
    assert SharedWeights(natively=True).filters(step) is None


def test_weights_are_packed_on_request():
    step, _, _ = made((1, 32, 4, 4, 32))
    assert fits(step)
    assert SharedWeights().filters(step) is None
    assert (SharedWeights(natively=True).filters(step) is not None) == usable()


def test_where_openmp_shares_a_call_all_is_onednns(monkeypatch):
    images = noise((2, 3, 112, 112))
    found = answer(opened("rts-r18/backbone", precision="auto", threads=2), images)
    monkeypatch.setattr(winograd, "usable", lambda: False)
    expected = answer(opened("rts-r18/backbone", precision="auto", threads=2), images)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        (None, False),
        (SimpleNamespace(winograd_usable=lambda: 0, matrix_usable=lambda: 0), False),
        (SimpleNamespace(winograd_usable=lambda: 1, matrix_usable=lambda: 1), False),
        (SimpleNamespace(winograd_usable=lambda: 1, matrix_usable=lambda: 0), True),
    ],
    ids=["no library", "no such products", "matrix unit", "there"],
)
def test_it_is_used_where_it_is_faster(native, expected, monkeypatch):
    monkeypatch.setattr(winograd, "library_if_there", lambda: native)
    assert usable() is expected


@compiled
def test_the_backbone_errs_hardly_more_than_with_convolutions_of_onednn(monkeypatch):
    images = noise((4, 3, 112, 112))
    exact = answer(opened("rts-r18/backbone"), images)
    found = answer(opened("rts-r18/backbone", precision="auto"), images)
    monkeypatch.setattr(winograd, "usable", lambda: False)
    direct = answer(opened("rts-r18/backbone", precision="auto"), images)
    assert (found.tobytes() != direct.tobytes()) == (computed_here() and not _has_matrix_unit())
    error, errors = (np.abs(of - exact).mean() for of in (direct, found))
    assert errors <= 1.5 * error


def _has_matrix_unit():
    return bool(winograd.library().matrix_usable())
