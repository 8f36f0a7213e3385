"""Alignment: the transform is the least-squares one, the crop does not depend on the pose."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from ood_face.errors import InputError
from ood_face.imaging import align, align_face
from ood_face.imaging.align import TEMPLATE_PX, similarity_transform
from ood_face.types import DetectedFace

SIDE_PX = 400
CENTRE_PX = np.array((SIDE_PX / 2, SIDE_PX / 2))


def scene(side: int = SIDE_PX, blocks: int = 40) -> np.ndarray:
    """Return a picture whose detail is coarser than a crop pixel at the scales tried."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (blocks, blocks, 3), np.uint8)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def landmarks(scale: float, angle_deg: float = 0.0, centre=CENTRE_PX) -> np.ndarray:
    """Return the template's landmarks, scaled, turned and centred in a picture."""
    angle = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (TEMPLATE_PX - TEMPLATE_PX.mean(axis=0)) * scale @ turn.T + centre


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second).mean())


def averaged_warp(image: np.ndarray, points: np.ndarray, samples: int) -> np.ndarray:
    """Return the crop as the mean of very many samples per pixel: the exact one."""
    matrix = similarity_transform(points) * samples
    matrix[:, 2] += (samples - 1) / 2
    large = cv2.warpAffine(image, matrix, (112 * samples, 112 * samples))
    return cv2.resize(large, (112, 112), interpolation=cv2.INTER_AREA)


@settings(deadline=None, max_examples=60)
@given(
    scale=st.floats(0.05, 40),
    angle_deg=st.floats(-180, 180),
    shift=st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)),
    seed=st.integers(0, 10_000),
)
def test_the_transform_is_umeyamas(scale, angle_deg, shift, seed):
    noise = np.random.default_rng(seed).normal(0, 2 * scale, (5, 2))
    points = landmarks(scale, angle_deg, np.array(shift)) + noise
    expected = SimilarityTransform.from_estimate(points, TEMPLATE_PX).params[:2]
    np.testing.assert_allclose(similarity_transform(points), expected, rtol=1e-7, atol=1e-6)


def test_landmarks_on_the_template_move_nothing():
    image = scene(112, 12)
    np.testing.assert_allclose(similarity_transform(TEMPLATE_PX), np.eye(2, 3), atol=1e-12)
    assert mean_difference(align(image, TEMPLATE_PX), image) < 0.5


@settings(deadline=None, max_examples=25)
@given(angle_deg=st.floats(-180, 180), shift=st.tuples(st.floats(-60, 60), st.floats(-60, 60)))
def test_a_turned_and_shifted_picture_gives_the_same_crop(angle_deg, shift):
    image = scene()
    expected = align(image, landmarks(1.0))
    matrix = cv2.getRotationMatrix2D(tuple(CENTRE_PX), -angle_deg, 1.0)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_CUBIC)
    found = align(moved, landmarks(1.0, angle_deg, CENTRE_PX + shift))
    inner = slice(20, 92)  # what the turn brought in from outside lies in the corners
    assert mean_difference(found[inner, inner], expected[inner, inner]) < 4


@pytest.mark.parametrize("scale", [0.75, 1.4, 2.0, 3.3, 6.0])
def test_a_scaled_picture_gives_the_same_crop(scale):
    expected = align(scene(), landmarks(1.0))
    side = round(SIDE_PX * scale)
    larger = cv2.resize(scene(), (side, side), interpolation=cv2.INTER_CUBIC)
    ratio = side / SIDE_PX
    # the corner of the first pixel stays where it is, its centre does not
    points = (landmarks(1.0) + 0.5) * ratio - 0.5
    assert mean_difference(align(larger, points), expected) < 3


@pytest.mark.parametrize("angle_deg", [0, 17])
@pytest.mark.parametrize("scale", [2.2, 3.0, 6.0, 8.7, 13.0])
def test_fine_detail_of_large_faces_is_averaged_not_aliased(scale, angle_deg):
    side = int(180 * scale)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    points = landmarks(scale, angle_deg, np.array((side / 2, side / 2)))
    exact = averaged_warp(image, points, samples=4 * round(scale))
    plain = cv2.warpAffine(image, similarity_transform(points), (112, 112))
    found = align(image, points)
    assert mean_difference(found, exact) < 0.25 * mean_difference(plain, exact)
    assert found.std() < 1.2 * exact.std()


def test_outside_the_picture_is_black():
    crop = align(np.full((200, 200, 3), 255, np.uint8), landmarks(1.0, centre=np.array((0, 100))))
    assert (crop[:, :50] == 0).all()
    assert (crop[:, 60:] == 255).all()


def test_only_the_face_is_read_from_a_very_wide_picture():
    image = np.zeros((200, 40_000, 3), np.uint8)
    image[:, 38_000:] = 200
    assert (align(image, landmarks(1.0, centre=np.array((39_000, 100.0)))) == 200).all()


def test_read_only_pictures_and_views_are_accepted():
    image = scene()
    image.flags.writeable = False
    view = image[:, ::-1]
    mirrored = landmarks(1.0)
    assert (align(view, mirrored) == align(np.ascontiguousarray(view), mirrored)).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=10, max_size=10))
def test_any_landmarks_give_a_crop_or_an_input_error(numbers):
    image = scene(64, 8)
    try:
        crop = align(image, np.array(numbers, np.float32).reshape(5, 2))
    except InputError:
        return
    assert crop.shape == (112, 112, 3)
    assert crop.dtype == np.uint8


@pytest.mark.parametrize(
    ("points", "key"),
    [
        (TEMPLATE_PX[:4], "landmarks.shape"),
        (np.zeros((5, 3)), "landmarks.shape"),
        (np.full((5, 2), np.nan), "landmarks.range"),
        (np.where(np.arange(10).reshape(5, 2) == 3, np.inf, TEMPLATE_PX), "landmarks.range"),
        (TEMPLATE_PX + 1e7, "landmarks.range"),
        (np.full((5, 2), 30.0), "landmarks.degenerate"),
        (np.stack([np.arange(5), 2 * np.arange(5)], axis=1), "landmarks.degenerate"),
        (TEMPLATE_PX * 1e-6, "landmarks.degenerate"),
        (TEMPLATE_PX + 5000, "landmarks.outside"),
    ],
)
def test_useless_landmarks_are_refused(points, key):
    with pytest.raises(InputError) as caught:
        align(scene(100, 10), points)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((100, 100), np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((100, 100, 3), np.float32),
    ],
)
def test_other_arrays_are_refused(image):
    with pytest.raises(InputError) as caught:
        align(image, TEMPLATE_PX)
    assert caught.value.key == "image.array"


def test_align_face_keeps_where_the_face_came_from():
    face = DetectedFace(
        box_xyxy_px=np.array((100, 100, 300, 300)), probability=0.99, landmarks_px=landmarks(2.0)
    )
    aligned = align_face(scene(), face)
    assert aligned.face is face
    assert (aligned.crop == align(scene(), face.landmarks_px)).all()
