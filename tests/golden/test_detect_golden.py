"""Faces in real pictures: against facenet-pytorch's own answer, and against our recorded one.

``detect_facenet_pytorch.json`` was written by facenet-pytorch 2.6.0 itself on these files.
``detect_default.json`` is our detector at its defaults; ``--update-snapshots`` records it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_face.artifacts import Manifest
from ood_face.detection import MtcnnSettings, open_facenet, open_mtcnn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REFERENCE = json.loads((HERE / "detect_facenet_pytorch.json").read_text(encoding="utf-8"))["images"]
RECORDED = HERE / "detect_default.json"
# what facenet-pytorch was told: every face from 20 pixels on, nothing scaled down
SAME_SETTINGS = MtcnnSettings(
    min_face_px=20, min_face_share=0.0, max_side_px=None, min_probability=0.0, max_faces=None
)


def picture(name):
    with Image.open(ROOT / "tests" / "pictures" / name) as image:
        return np.asarray(image.convert("RGB"))


def iou(a, b):
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    areas = [(box[2:] - box[:2]).prod() for box in (a, b)]
    return shared / (sum(areas) - shared)


@pytest.fixture(scope="module")
def manifest():
    return Manifest.load(ROOT / "weights")


@pytest.fixture(
    scope="module", params=["mtcnn", pytest.param("facenet", marks=pytest.mark.facenet)]
)
def exhaustive(request, manifest):
    if request.param == "facenet":
        return open_facenet(settings=SAME_SETTINGS)
    return open_mtcnn(manifest, settings=SAME_SETTINGS)


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_the_faces_are_facenet_pytorchs(exhaustive, name):
    expected = REFERENCE[name]
    faces = exhaustive.detect(picture(name))
    for box, probability, landmarks in zip(
        *(expected[key] for key in ("boxes", "probabilities", "landmarks")), strict=True
    ):
        overlaps = [iou(np.array(box), face.box_xyxy_px) for face in faces]
        best = int(np.argmax(overlaps))
        assert overlaps[best] >= 0.9
        assert faces[best].probability == pytest.approx(probability, abs=0.02)
        distance = np.linalg.norm(faces[best].landmarks_px - np.array(landmarks), axis=1)
        assert distance.max() <= 2
    certain = [face for face in faces if face.probability >= 0.9]
    assert len(certain) == sum(p >= 0.9 for p in expected["probabilities"])


def as_json(faces):
    return [
        {
            "box_xyxy_px": np.round(face.box_xyxy_px.astype(float), 2).tolist(),
            "probability": round(face.probability, 5),
            "landmarks_px": np.round(face.landmarks_px.astype(float), 2).tolist(),
        }
        for face in faces
    ]


def test_at_the_defaults_the_faces_are_the_recorded_ones(manifest, request):
    detector = open_mtcnn(manifest)
    found = {name: as_json(detector.detect(picture(name))) for name in sorted(REFERENCE)}
    if request.config.getoption("--update-snapshots"):
        lines = (f"  {json.dumps(name)}: {json.dumps(faces)}" for name, faces in found.items())
        RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert found.keys() == recorded.keys()
    for name, faces in recorded.items():
        assert len(found[name]) == len(faces), name
        for face, stored in zip(found[name], faces, strict=True):
            assert face["box_xyxy_px"] == pytest.approx(stored["box_xyxy_px"], abs=1)
            assert face["probability"] == pytest.approx(stored["probability"], abs=2e-3)
            off = np.abs(np.subtract(face["landmarks_px"], stored["landmarks_px"]))
            assert off.max() <= 1


@pytest.mark.parametrize(
    ("name", "faces"),
    [
        ("astronaut.jpg", 1),
        ("biden_1.jpg", 1),
        ("cat.jpg", 0),
        ("coffee.jpg", 0),
        ("obama_1.jpg", 1),
        ("obama_2.jpg", 1),
        ("obama_3.jpg", 1),
        ("rocket.jpg", 0),
        ("two_people.jpg", 2),
    ],
)
def test_at_the_defaults_as_many_faces_as_a_person_counts(manifest, name, faces):
    assert len(open_mtcnn(manifest).detect(picture(name))) == faces
