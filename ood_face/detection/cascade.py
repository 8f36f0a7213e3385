"""The three stages of MTCNN: propose windows, refuse most, refine the rest with landmarks.

The P- and the R-Net refuse nearly everything they look at. Where a network has a fast, coarse copy
(:class:`Network`), that one looks first, with a threshold lowered by more than it errs, and the
network itself looks only at what is left: what comes out is the network's own.

References
----------
Zhang, Zhang, Li and Qiao 2016, Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks. Thresholds, suppression overlaps and the pyramid follow facenet-pytorch
2.6.0, which trained nothing new either: the weights are the authors'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection import geometry
from ood_face.detection.nms import suppress, suppress_contained
from ood_face.detection.pyramid import STRIDE_PX, WINDOW_PX, Block, pack, pixels_at, planes, scales

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.area import AreaTable
    from ood_face.ports import Session

__all__ = ["Network", "propose", "refine", "refuse"]

RNET_PX = 24
ONET_PX = 48
# batches have few sizes, so that the engine sees few shapes; the largest still fits the L2 cache
PNET_BATCHES = (16, 64, 256)
RNET_BATCHES = (4, 8, 16, 32, 64)
ONET_BATCHES = (1, 2, 4, 8, 16)
# how much lower the logit of "face" may be where the coarse copy looks: measured on 40 pictures,
# of 11,088 windows above the P-Net's threshold 9 in 100,000 came out lower by more than 0.3, none
# by more than 0.5; see tests/benchmark/README.md
COARSE_MARGIN = 0.5
SAME_SCALE_OVERLAP = 0.5
OTHER_SCALE_OVERLAP = 0.7
REFUSE_OVERLAP = 0.7
REFINE_OVERLAP = 0.7


@dataclass(frozen=True, slots=True)
class Network:
    """One of the three networks.

    Attributes
    ----------
    exact : decides
    coarse : a faster copy, whose logits are off by less than ``COARSE_MARGIN``; None: there is none
    """

    exact: Session
    coarse: Session | None = None


def propose(
    table: AreaTable,
    pnet: Network,
    *,
    min_face_px: float,
    factor: float,
    threshold: float,
    max_candidates: int,
) -> NDArray[np.float32]:
    """Scan the pyramid with the P-Net.

    Parameters
    ----------
    table : the picture
    pnet : the network
    min_face_px, factor : of the pyramid
    threshold : lowest face probability
    max_candidates : only so many windows, the most probable, go on from each suppression

    Returns
    -------
    float32 array of shape (N, 4): square boxes
    """
    level_scales = scales(table.height, table.width, min_face_px, factor)
    if not level_scales:
        return np.empty((0, 4), dtype=np.float32)
    tiles, blocks = pack(table, level_scales)
    min_logit = _logit(threshold)
    first, lowest = pnet.exact, min_logit
    if pnet.coarse is not None:
        first, lowest = pnet.coarse, min_logit - COARSE_MARGIN
    answers = [_only(first.run({"image": tile[None]})) for tile in planes(tiles)]
    found = [_windows(block, answers[block.tile][0], lowest) for block in blocks]
    cells, places, logits, offsets = (np.concatenate(part) for part in zip(*found, strict=True))
    best = np.argsort(-logits, kind="stable")[: 8 * max_candidates]
    if pnet.coarse is not None:
        logits, offsets = _decided(tiles, places[best], pnet.exact)
        sure = np.flatnonzero(logits >= min_logit)
        order = sure[np.argsort(-logits[sure], kind="stable")]
        best, logits, offsets = best[order], logits[order], offsets[order]
    else:
        logits, offsets = logits[best], offsets[best]
    cells, levels = cells[best], places[best, 0]
    # single precision: at scale 0.6 every third quotient is whole, and rounding decides
    scale = np.asarray(level_scales, dtype=np.float32)[levels][:, None]
    cells = cells.astype(np.float32)
    boxes = np.concatenate(
        [
            np.floor((STRIDE_PX * cells + 1) / scale),
            np.floor((STRIDE_PX * cells + WINDOW_PX) / scale),
        ],
        axis=1,
        dtype=np.float32,
    )
    kept = suppress(boxes, logits, SAME_SCALE_OVERLAP, levels)
    kept = kept[suppress(boxes[kept], logits[kept], OTHER_SCALE_OVERLAP)][:max_candidates]
    return geometry.squared(geometry.moved(boxes[kept], offsets[kept], extra_px=0))


def refuse(
    table: AreaTable, boxes: NDArray[np.float32], rnet: Network, *, threshold: float
) -> NDArray[np.float32]:
    """Let the R-Net refuse most boxes; returns the rest, moved and square, (M, 4)."""
    boxes, crops = _cut_out(table, boxes, RNET_PX)
    if rnet.coarse is not None:
        coarse = _look(crops, rnet.coarse, RNET_BATCHES)
        possible = coarse[:, 0] > _logit(threshold) - COARSE_MARGIN
        boxes, crops = boxes[possible], crops[possible]
    answers = _look(crops, rnet.exact, RNET_BATCHES)
    logits, offsets = answers[:, 0], answers[:, 1:5]
    passed = np.flatnonzero(geometry.sigmoid(logits) > threshold)
    kept = passed[suppress(boxes[passed], logits[passed], REFUSE_OVERLAP)]
    return geometry.squared(geometry.moved(boxes[kept], offsets[kept], extra_px=1))


def refine(
    table: AreaTable, boxes: NDArray[np.float32], onet: Network, *, threshold: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Let the O-Net decide.

    Returns
    -------
    boxes : float32 array of shape (M, 4)
    probabilities : float32 array of shape (M,)
    landmarks : float32 array of shape (M, 5, 2)
    """
    boxes, crops = _cut_out(table, boxes, ONET_PX)
    answers = _look(crops, onet.exact, ONET_BATCHES)
    probabilities = geometry.sigmoid(answers[:, 0])
    passed = probabilities > threshold
    boxes, answers, probabilities = boxes[passed], answers[passed], probabilities[passed]
    landmarks = geometry.landmarks_in(boxes, answers[:, 5:15])
    boxes = geometry.moved(boxes, answers[:, 1:5], extra_px=1)
    kept = suppress_contained(boxes, answers[:, 0], REFINE_OVERLAP)
    return boxes[kept], probabilities[kept], landmarks[kept]


def _only(outputs: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    (answer,) = outputs.values()
    return answer


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _windows(
    block: Block, answer: NDArray[np.float32], min_logit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    # of the windows above the threshold: (x, y) cell in the level; level, tile, and row and column
    # of the cell in the tile; logit; box offsets
    part = answer[
        :,
        block.tile_row : block.tile_row + block.rows,
        block.tile_col : block.tile_col + block.cols,
    ]
    rows, cols = np.nonzero(part[0] >= min_logit)
    cells = np.stack([cols + block.level_col, rows + block.level_row], axis=1)
    places = np.empty((len(rows), 4), dtype=np.int64)
    places[:, :2] = block.level, block.tile
    places[:, 2], places[:, 3] = rows + block.tile_row, cols + block.tile_col
    return cells, places, part[0, rows, cols], part[1:5, rows, cols].T


def _decided(
    tiles: NDArray[np.float32], places: NDArray[np.int64], pnet: Session
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # logits and box offsets of single windows
    side = np.arange(WINDOW_PX)
    tile = places[:, 1, None, None]
    rows = STRIDE_PX * places[:, 2, None, None] + side[:, None]
    cols = STRIDE_PX * places[:, 3, None, None] + side
    answers = _look(planes(pixels_at(tiles, tile, rows, cols)), pnet, PNET_BATCHES)
    return answers[:, 0], answers[:, 1:5]


def _cut_out(
    table: AreaTable, boxes: NDArray[np.float32], side_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # boxes that meet the picture, and what is in each
    slices = geometry.visible(boxes, table.height, table.width)
    inside = (slices[:, 2:] > slices[:, :2]).all(axis=1)
    return boxes[inside], table.crops(slices[inside], side_px)


def _look(
    crops: NDArray[np.float32], network: Session, batches: Sequence[int]
) -> NDArray[np.float32]:
    # the network's answer for each crop, one row each
    answers = [np.empty((0, 15), dtype=np.float32)]
    for start, count, size in _batches(len(crops), batches):
        batch = crops[start : start + count]
        if count < size:
            batch = np.concatenate([batch, np.zeros((size - count, *batch.shape[1:]), np.float32)])
        answers.append(_only(network.run({"image": batch}))[:count].reshape(count, -1))
    return np.concatenate(answers[1:] or answers)


def _batches(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    # (first, how many, batch size): the largest sizes that are full, then the smallest for the rest
    start = 0
    for size in reversed(sizes):
        while count - start >= size:
            yield start, size, size
            start += size
    if start < count:
        yield start, count - start, sizes[0]
