"""The three stages of MTCNN: propose windows, refuse most, refine the rest with landmarks.

The P- and the R-Net refuse nearly everything they look at. Where a network has a fast, coarse copy
(:class:`Network`), that one looks first, with a threshold lowered by more than it errs, and the
network itself looks only at what is left: what comes out is the network's own. Of the O-Net's boxes
only those that may win go on (:mod:`ood_face.detection.rivals`).

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
from ood_face.detection.pyramid import STRIDE_PX, WINDOW_PX, layout
from ood_face.detection.rivals import contenders
from ood_face.detection.scanning import Scene, joined, scan, seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ood_face.detection.loops import Picture
    from ood_face.detection.pyramid import Layout
    from ood_face.detection.windows import WindowPnet
    from ood_face.ports import Session

__all__ = ["Network", "propose", "refine", "refuse"]

RNET_PX = 24
ONET_PX = 48
# what the networks say: logit and box offsets; and ten for the landmarks
BOX_NUMBERS = 5
FACE_NUMBERS = 15
# batches have few sizes, so that the engine sees few shapes; the largest still fits the L2 cache
PNET_BATCHES = (16, 64, 256)
RNET_BATCHES = (4, 8, 16, 32, 64)
ONET_BATCHES = (1, 2, 4, 8, 16)
# of fewer boxes, waking a helper costs more than it brings
ONET_SHARE = 3
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
    windows : a P-Net that decides on single windows sooner than ``exact``; None: there is none
    """

    exact: Session
    coarse: Session | None = None
    windows: WindowPnet | None = None


def propose(
    scene: Scene,
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
    scene : where to look
    pnet : the network
    min_face_px, factor : of the pyramid
    threshold : lowest face probability
    max_candidates : only so many windows, the most probable, go on from each suppression

    Returns
    -------
    float32 array of shape (N, 4): square boxes
    """
    levels = layout(scene.picture.height, scene.picture.width, min_face_px, factor)
    if not levels.scales:
        return np.empty((0, 4), dtype=np.float32)
    min_logit = _logit(threshold)
    windows, answers = _scanned(scene, levels, pnet, min_logit)
    best = np.argsort(-answers[:, 0], kind="stable")[: 8 * max_candidates]
    windows, answers = windows[best], answers[best]
    if pnet.coarse is not None:
        answers = _decided(scene, levels, windows, pnet)
        sure = np.flatnonzero(answers[:, 0] >= min_logit)
        order = sure[np.argsort(-answers[sure, 0], kind="stable")]
        windows, answers = windows[order], answers[order]
    level = windows[:, 0]
    # single precision: at scale 0.6 every third quotient is whole, and rounding decides
    scale = np.asarray(levels.scales, dtype=np.float32)[level][:, None]
    corner = STRIDE_PX * windows[:, :0:-1].astype(np.float32)
    boxes = np.floor(np.concatenate([corner + 1, corner + WINDOW_PX], axis=1) / scale)
    logits = answers[:, 0]
    kept = suppress(boxes, logits, SAME_SCALE_OVERLAP, level)
    kept = kept[suppress(boxes[kept], logits[kept], OTHER_SCALE_OVERLAP)][:max_candidates]
    return geometry.squared(geometry.moved(boxes[kept], answers[kept, 1:5], extra_px=0))


def refuse(
    scene: Scene, boxes: NDArray[np.float32], rnet: Network, *, threshold: float
) -> NDArray[np.float32]:
    """Let the R-Net refuse most boxes; returns the rest, moved and square, (M, 4)."""

    def look(share: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        some, pixels = _cut_out(scene.picture, boxes[share], RNET_PX)
        if rnet.coarse is not None:
            coarse = _look(pixels, rnet.coarse, RNET_BATCHES, BOX_NUMBERS)
            possible = coarse[:, 0] > _logit(threshold) - COARSE_MARGIN
            some, pixels = some[possible], pixels[possible]
        return some, _look(pixels, rnet.exact, RNET_BATCHES, BOX_NUMBERS)

    shares = scene.crew.shares(len(boxes), RNET_BATCHES[0])
    boxes, answers = joined(scene.crew.each(look, shares))
    logits, offsets = answers[:, 0], answers[:, 1:5]
    passed = np.flatnonzero(geometry.sigmoid(logits) > threshold)
    kept = passed[suppress(boxes[passed], logits[passed], REFUSE_OVERLAP)]
    return geometry.squared(geometry.moved(boxes[kept], offsets[kept], extra_px=1))


def refine(
    scene: Scene, boxes: NDArray[np.float32], onet: Network, *, threshold: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Let the O-Net decide.

    Returns
    -------
    boxes : float32 array of shape (M, 4)
    probabilities : float32 array of shape (M,)
    landmarks : float32 array of shape (M, 5, 2)
    """
    first = onet.exact if onet.coarse is None else onet.coarse

    def look(share: slice) -> tuple[NDArray[np.float32], ...]:
        some, pixels = _cut_out(scene.picture, boxes[share], ONET_PX)
        return some, pixels, _look(pixels, first, ONET_BATCHES, FACE_NUMBERS)

    def look_closely(share: slice) -> NDArray[np.float32]:
        return _look(pixels[share], onet.exact, ONET_BATCHES, FACE_NUMBERS)

    shares = scene.crew.shares(len(boxes), ONET_SHARE)
    boxes, pixels, answers = joined(scene.crew.each(look, shares))
    if onet.coarse is not None:
        there = geometry.moved(boxes, answers[:, 1:5], extra_px=1)
        left = contenders(there, answers[:, 0], _logit(threshold), REFINE_OVERLAP)
        boxes, pixels = boxes[left], pixels[left]
        shares = scene.crew.shares(len(boxes), ONET_SHARE)
        answers = np.concatenate(scene.crew.each(look_closely, shares))
    probabilities = geometry.sigmoid(answers[:, 0])
    passed = probabilities > threshold
    boxes, answers, probabilities = boxes[passed], answers[passed], probabilities[passed]
    landmarks = geometry.landmarks_in(boxes, answers[:, 5:15])
    boxes = geometry.moved(boxes, answers[:, 1:5], extra_px=1)
    kept = suppress_contained(boxes, answers[:, 0], REFINE_OVERLAP)
    return boxes[kept], probabilities[kept], landmarks[kept]


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _scanned(
    scene: Scene, levels: Layout, pnet: Network, min_logit: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    # windows that may show a face, and the P-Net's answers, perhaps the coarse one's
    first, lowest = pnet.exact, min_logit
    if pnet.coarse is not None:
        first, lowest = pnet.coarse, min_logit - COARSE_MARGIN
    return scan(scene, levels, first, lowest)


def _decided(
    scene: Scene, levels: Layout, windows: NDArray[np.int64], pnet: Network
) -> NDArray[np.float32]:
    # the P-Net's answers to single windows
    def look(share: slice) -> NDArray[np.float32]:
        pixels = scene.picture.look(levels.sizes_px, windows[share])
        if pnet.windows is not None:
            return pnet.windows.answers(pixels)
        return _look(pixels, pnet.exact, PNET_BATCHES, BOX_NUMBERS)

    shares = scene.crew.shares(len(windows), PNET_BATCHES[0])
    return np.concatenate(scene.crew.each(look, shares))


def _cut_out(
    picture: Picture, boxes: NDArray[np.float32], side_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # boxes that meet the picture, and what is in each
    slices = geometry.visible(boxes, picture.height, picture.width)
    inside = (slices[:, 2:] > slices[:, :2]).all(axis=1)
    return boxes[inside], picture.crops(slices[inside], side_px)


def _look(
    pixels: NDArray[np.float32], network: Session, batches: Sequence[int], numbers: int
) -> NDArray[np.float32]:
    # the network's answer for each crop, one row of so many numbers each
    answers = [np.empty((0, numbers), dtype=np.float32)]
    for start, count, size in _batches(len(pixels), batches):
        batch = pixels[start : start + count]
        if count < size:
            batch = np.concatenate([batch, np.zeros((size - count, *batch.shape[1:]), np.float32)])
        answers.append(seen_by(network, batch)[:count].reshape(count, -1))
    return np.concatenate(answers)


def _batches(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    # (first, how many, batch size): the largest sizes that are full, then the smallest for the rest
    start = 0
    for size in reversed(sizes):
        while count - start >= size:
            yield start, size, size
            start += size
    if start < count:
        yield start, count - start, sizes[0]
