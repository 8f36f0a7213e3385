"""The crop of a real face, against the stored one and against an independent implementation.

The face is Eileen Collins, NASA, public domain (scikit-image's ``data.astronaut``); its five
landmarks were read off the picture by eye. The stored crop was looked at before it was stored:
upright, eyes and mouth in the template's places.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.transform import SimilarityTransform, warp

from ood_face.imaging import align
from ood_face.imaging.align import TEMPLATE_PX, similarity_transform

STORED = Path(__file__).with_name("align_astronaut.png")
LANDMARKS_PX = np.array(
    [(203.6, 101.2), (246.8, 103.4), (225.6, 125.0), (205.0, 141.0), (243.0, 141.6)]
)


@pytest.fixture(scope="module")
def picture():
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def stored():
    with Image.open(STORED) as image:
        return np.asarray(image).astype(int)


def test_the_crop_is_the_stored_one(picture, stored):
    difference = np.abs(align(picture, LANDMARKS_PX) - stored)
    assert difference.mean() < 0.25  # interpolation differs a little between cv2's builds
    assert difference.max() <= 8


def test_another_implementation_gives_the_same_crop(picture):
    transform = SimilarityTransform.from_estimate(LANDMARKS_PX, TEMPLATE_PX)
    expected = 255 * warp(picture, transform.inverse, output_shape=(112, 112), order=1)
    assert np.abs(align(picture, LANDMARKS_PX) - expected).mean() < 0.75


def test_landmarks_land_near_the_template():
    matrix = similarity_transform(LANDMARKS_PX)
    landed = LANDMARKS_PX @ matrix[:, :2].T + matrix[:, 2]
    assert np.linalg.norm(landed - TEMPLATE_PX, axis=1).max() < 6  # no face is the template


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_larger_copy_of_the_picture_gives_the_same_crop(picture, stored, factor):
    head = picture[:260, 100:360]
    larger = cv2.resize(head, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    points = (LANDMARKS_PX - (100, 0) + 0.5) * factor - 0.5
    inner = slice(12, 100)
    difference = np.abs(align(larger, points) - stored)[inner, inner]
    assert difference.mean() < 4
