"""Made-up faces of people, measured, of which the figures are known or can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ood_face.calibration.own_report import OwnFaces
from ood_face.evaluation.datasets import TestData
from ood_face.evaluation.faces import FaceSet, Pairs
from ood_face.types import SameModel

MODEL_ID = "made-up@1"


def same_model(*weights: float, model_id: str = MODEL_ID) -> SameModel:
    return SameModel(model_id, np.array(weights), np.zeros((3, 3)), (-20.0, 20.0))


def faces_of(features: np.ndarray, labels: np.ndarray, scores: np.ndarray | None) -> OwnFaces:
    """Return every pair of these pictures, all of them different pictures."""
    count = len(labels)
    numbers = np.arange(count, dtype=np.uint32)
    crops = numbers.view(np.uint8).reshape(count, 1, 1, 4)
    names = tuple(f"{label}/{index}.png" for index, label in enumerate(labels))
    first, second = np.triu_indices(count, 1)
    pairs = Pairs(first, second, labels[first] == labels[second], np.zeros(len(first), np.int64))
    everyone = np.ones(count, bool)
    nobody = np.empty(0, np.int64)
    faces = FaceSet(crops, names, labels.astype(np.int64))
    data = TestData(
        faces, {"pairs": pairs}, everyone, {"all": everyone}, "pairs", nobody, count, "every pair"
    )
    given = None if scores is None else np.asarray(scores, np.float32)
    return OwnFaces(data, np.asarray(features, np.float32), given, MODEL_ID, "people")


def drawn_faces(people: int = 24, each: int = 5, seed: int = 0, noise: float = 0.9) -> OwnFaces:
    """Return people whose pictures are the less alike, the lower their scores."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    scores = rng.uniform(0.2, 1, len(labels))
    spoilt = (noise * (1.4 - scores))[:, None] * rng.normal(size=(len(labels), 32))
    features = rng.normal(size=(people, 32))[labels] + spoilt
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return faces_of(features, labels, scores)


def apart(people: int = 12, each: int = 4) -> OwnFaces:
    """Return people of whom all pictures are equal (similarity 1), and no two alike (0)."""
    labels = np.repeat(np.arange(people), each)
    return faces_of(np.eye(people)[labels], labels, np.ones(len(labels)))


def listed(faces: OwnFaces, kept: np.ndarray) -> OwnFaces:
    """Return only some of the pairs, as a list gives them: the others are not known."""
    pairs = faces.data.pairs["pairs"]
    some = Pairs(pairs.first[kept], pairs.second[kept], pairs.same[kept], pairs.fold[kept])
    return replace(faces, data=replace(faces.data, pairs={"pairs": some}, probes={}))
