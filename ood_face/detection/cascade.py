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
from ood_face.detection.geometry import Rules
from ood_face.detection.loops import loops
from ood_face.detection.nms import suppress_contained
from ood_face.detection.pyramid import layout, strips
from ood_face.detection.rivals import contenders
from ood_face.detection.scanning import Scene, Wanted, look, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.detection.loops import Picture
    from ood_face.detection.pyramid import Layout
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
# how much lower the logit of "face" may be where the coarse copy looks: measured on 40 pictures,
# of 11,088 windows above the P-Net's threshold 9 in 100,000 came out lower by more than 0.3, none
# by more than 0.5; see tests/benchmark/README.md
COARSE_MARGIN = 0.5
# of the first look, so many times as many windows go on as of the decision
_AT_FIRST = 8
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
    in_strips : whether the P-Net's coarse copy takes pictures of any shape
    """

    exact: Session
    coarse: Session | None = None
    windows: Session | None = None
    in_strips: bool = False


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
    cut = strips if pnet.in_strips else layout
    levels = cut(scene.picture.height, scene.picture.width, min_face_px, factor)
    if not levels.scales:
        return np.empty((0, 4), dtype=np.float32)
    min_logit = _logit(threshold)
    windows, answers = _scanned(scene, levels, pnet, min_logit)
    if len(windows) > _AT_FIRST * max_candidates:
        best = np.argsort(-answers[:, 0], kind="stable")[: _AT_FIRST * max_candidates]
        windows, answers = windows[best], answers[best]
    windows = np.ascontiguousarray(windows)
    if pnet.coarse is not None:
        answers = _decided(scene, levels, windows, pnet)
    boxes = loops().window_boxes(windows, np.asarray(levels.scales, np.float32))
    rules = Rules(
        min_logit, OTHER_SCALE_OVERLAP, SAME_SCALE_OVERLAP, most=max_candidates, extra_px=0
    )
    return loops().settled(boxes, answers, rules, windows[:, 0])


def refuse(
    scene: Scene, boxes: NDArray[np.float32], rnet: Network, *, threshold: float
) -> NDArray[np.float32]:
    """Let the R-Net refuse most boxes; returns the rest, moved and square, (M, 4)."""
    least = _logit(threshold)
    boxes, wanted = _inside(scene.picture, boxes, RNET_PX)
    if rnet.coarse is not None:
        pixels, coarse = look(scene, wanted, rnet.coarse, RNET_BATCHES, BOX_NUMBERS)
        possible = np.flatnonzero(coarse[:, 0] > least - COARSE_MARGIN)
        boxes, wanted = boxes[possible], Wanted.there(pixels[possible])
    _, answers = look(scene, wanted, rnet.exact, RNET_BATCHES, BOX_NUMBERS)
    return loops().settled(boxes, answers, Rules(least, REFUSE_OVERLAP))


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
    boxes, wanted = _inside(scene.picture, boxes, ONET_PX)
    if onet.coarse is not None:
        pixels, coarse = look(scene, wanted, onet.coarse, ONET_BATCHES, FACE_NUMBERS)
        there = geometry.moved(boxes, coarse[:, 1:5], extra_px=1)
        left = contenders(there, coarse[:, 0], _logit(threshold), REFINE_OVERLAP)
        boxes, wanted = boxes[left], Wanted.there(pixels[left])
    _, answers = look(scene, wanted, onet.exact, ONET_BATCHES, FACE_NUMBERS)
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
    wanted = Wanted.windows(levels.sizes_px, windows)
    network = pnet.exact if pnet.windows is None else pnet.windows
    return look(scene, wanted, network, PNET_BATCHES, BOX_NUMBERS)[1]


def _inside(
    picture: Picture, boxes: NDArray[np.float32], side_px: int
) -> tuple[NDArray[np.float32], Wanted]:
    # boxes that meet the picture, and what is in each
    boxes, slices = loops().inside(boxes, picture.height, picture.width)
    return boxes, Wanted.crops(slices, side_px)
