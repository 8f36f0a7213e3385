"""The three stages of MTCNN: propose windows, refuse most, refine the rest with landmarks.

References
----------
Zhang, Zhang, Li and Qiao 2016, Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks. Thresholds, suppression overlaps and the pyramid follow facenet-pytorch
2.6.0, which trained nothing new either: the weights are the authors'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.detection import geometry
from ood_face.detection.nms import suppress, suppress_contained
from ood_face.detection.pyramid import STRIDE_PX, WINDOW_PX, Block, pack, scales

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.area import AreaTable
    from ood_face.ports import Session

__all__ = ["propose", "refine", "refuse"]

RNET_PX = 24
ONET_PX = 48
# batches have few sizes, so that the engine sees few shapes; the largest still fits the L2 cache
RNET_BATCHES = (8, 16, 32, 64)
ONET_BATCHES = (1, 2, 4, 8, 16)
SAME_SCALE_OVERLAP = 0.5
OTHER_SCALE_OVERLAP = 0.7
REFUSE_OVERLAP = 0.7
REFINE_OVERLAP = 0.7


def propose(
    table: AreaTable,
    pnet: Session,
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
    answers = [_only(pnet.run({"image": tile[None]})) for tile in tiles]
    min_logit = float(np.log(threshold / (1 - threshold)))
    found = [_windows(block, answers[block.tile][0], min_logit) for block in blocks]
    cells, levels, logits, offsets = (np.concatenate(part) for part in zip(*found, strict=True))
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
    best = np.argsort(-logits, kind="stable")[: 8 * max_candidates]
    kept = best[suppress(boxes[best], logits[best], SAME_SCALE_OVERLAP, levels[best])]
    kept = kept[suppress(boxes[kept], logits[kept], OTHER_SCALE_OVERLAP)][:max_candidates]
    return geometry.squared(geometry.moved(boxes[kept], offsets[kept], extra_px=0))


def refuse(
    table: AreaTable, boxes: NDArray[np.float32], rnet: Session, *, threshold: float
) -> NDArray[np.float32]:
    """Let the R-Net refuse most boxes; returns the rest, moved and square, (M, 4)."""
    boxes, answers = _look(table, boxes, rnet, RNET_PX, RNET_BATCHES)
    logits, offsets = answers[:, 0], answers[:, 1:5]
    passed = np.flatnonzero(geometry.sigmoid(logits) > threshold)
    kept = passed[suppress(boxes[passed], logits[passed], REFUSE_OVERLAP)]
    return geometry.squared(geometry.moved(boxes[kept], offsets[kept], extra_px=1))


def refine(
    table: AreaTable, boxes: NDArray[np.float32], onet: Session, *, threshold: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Let the O-Net decide.

    Returns
    -------
    boxes : float32 array of shape (M, 4)
    probabilities : float32 array of shape (M,)
    landmarks : float32 array of shape (M, 5, 2)
    """
    boxes, answers = _look(table, boxes, onet, ONET_PX, ONET_BATCHES)
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


def _windows(
    block: Block, answer: NDArray[np.float32], min_logit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    # of the windows above the threshold: (x, y) cell in the level, level, logit, box offsets
    part = answer[
        :,
        block.tile_row : block.tile_row + block.rows,
        block.tile_col : block.tile_col + block.cols,
    ]
    rows, cols = np.nonzero(part[0] >= min_logit)
    cells = np.stack([cols + block.level_col, rows + block.level_row], axis=1)
    levels = np.full(len(rows), block.level, dtype=np.int64)
    return cells, levels, part[0, rows, cols], part[1:5, rows, cols].T


def _look(
    table: AreaTable,
    boxes: NDArray[np.float32],
    network: Session,
    side_px: int,
    batches: Sequence[int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # boxes that meet the picture, and the network's answer for each
    slices = geometry.visible(boxes, table.height, table.width)
    inside = (slices[:, 2:] > slices[:, :2]).all(axis=1)
    boxes, slices = boxes[inside], slices[inside]
    answers = [np.empty((0, 15), dtype=np.float32)]
    for start, count, size in _batches(len(boxes), batches):
        batch = np.zeros((size, 3, side_px, side_px), dtype=np.float32)
        batch[:count] = table.crops(slices[start : start + count], side_px)
        answers.append(_only(network.run({"image": batch}))[:count])
    return boxes, np.concatenate(answers[1:] or answers)


def _batches(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    # (first, how many, batch size): full batches of the largest size, then the smallest that fits
    for start in range(0, count, sizes[-1]):
        rest = min(sizes[-1], count - start)
        yield start, rest, next(size for size in sizes if size >= rest)
