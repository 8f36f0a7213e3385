"""Labelled pictures of a folder or a list, measured by a callable such as a running service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ood_face.calibration.own_report_pictures import measure_pictures
from ood_face.errors import BusyError, ImageTooLargeError, InputError
from ood_face.imaging import decode
from ood_face.types import DetectedFace
from tests.fakes import fake_service, picture, png


class Watch:
    """Notes what is measured, and ends it after so many pictures."""

    def __init__(self, end_after: int | None = None) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.done = 0
        self._end_after = end_after

    def begin(self, what: str, total: int | None = None) -> None:
        self.begun.append((what, total))

    def advance(self, count: int) -> None:
        self.done += count
        if self.done == self._end_after:
            raise KeyboardInterrupt


@pytest.fixture
def people(tmp_path) -> Path:
    for person in range(3):
        place = tmp_path / "people" / f"p{person}"
        place.mkdir(parents=True)
        for i in range(2):
            colour = (90 + 60 * person, 80 + 50 * i, 200 - 40 * person)
            (place / f"{i}.png").write_bytes(png(picture(60, colour=colour)))
    (tmp_path / "people" / "p2" / "empty.png").write_bytes(png(np.zeros((48, 48, 3), np.uint8)))
    return tmp_path / "people"


def largest(image):
    return next(iter(fake_service().extract(image)), None)


def test_features_and_scores_are_those_of_the_service(people):
    watch = Watch()
    found = measure_pictures(people, largest, watch)
    assert (found.source, found.data.pictures, len(found.features)) == ("people", 7, 6)
    assert found.data.faces.names[0] == "p0/0.png"
    expected = largest(decode((people / "p1" / "1.png").read_bytes()))
    row = found.data.faces.names.index("p1/1.png")
    assert np.array_equal(found.features[row], expected.feature)
    assert found.scores[row] == pytest.approx(expected.ood_score)
    assert found.model_id == expected.model_id
    assert found.data.faces.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert watch.begun == [("features of all faces", 7)]
    assert watch.done == 7


def test_a_list_says_who_is_who(people):
    rows = ["image_a,image_b,same", "p0/0.png,p0/1.png,1", "p0/0.png,p1/0.png,0"]
    (people / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    found = measure_pictures(people / "pairs.csv", largest)
    assert found.data.pairs["pairs"].same.tolist() == [True, False]
    assert (found.source, len(found.features)) == ("pairs.csv", 3)


def test_a_picture_that_is_none_is_named_without_the_place_it_lies_in(people):
    (people / "p1" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"^p1/broken\.jpg: ") as caught:
        measure_pictures(people, largest)
    assert str(people) not in str(caught.value)


def test_the_limits_on_pictures_hold(people):
    def small(data: bytes):
        return decode(data, max_pixels=100)

    with pytest.raises(InputError, match=r"p0/0\.png: ") as caught:
        measure_pictures(people, largest, read=small)
    assert isinstance(caught.value.__cause__, ImageTooLargeError)


def test_pictures_without_any_face_are_refused(people):
    with pytest.raises(InputError, match="has faces of 0 people"):
        measure_pictures(people, lambda _: None)


@pytest.mark.parametrize("name", ["nowhere", "p0/0.png"])
def test_what_is_neither_a_folder_nor_a_list_is_refused(people, name):
    with pytest.raises(InputError, match=r"is neither a folder nor a \.csv file"):
        measure_pictures(people / name, largest)


def test_a_measurement_that_is_ended_leaves_nothing_behind(people):
    before = sorted(people.parent.rglob("*"))
    watch = Watch(end_after=3)
    with pytest.raises(KeyboardInterrupt):
        measure_pictures(people, largest, watch)
    assert watch.done == 3
    assert sorted(people.parent.rglob("*")) == before


def test_a_service_that_is_busy_says_so_itself(people):
    def busy(_image):
        raise BusyError("busy.queue", "try again later")

    with pytest.raises(BusyError):
        measure_pictures(people, busy)


def test_a_face_that_lies_outside_its_picture_is_none(people):
    def outside(image):
        template = largest(image)
        if template is None or image[24, 24, 0] < 128:  # the first person's pictures
            face = DetectedFace(np.zeros(4), 1.0, np.full((5, 2), 7.0))
            return None if template is None else replace(template, face=face)
        return template

    found = measure_pictures(people, outside)
    assert {name.split("/")[0] for name in found.data.faces.names} == {"p1", "p2"}
    assert len(found.features) == 4


def test_a_model_without_scores_gives_none(people):
    def unscored(image):
        template = largest(image)
        return None if template is None else replace(template, ood_score=None)

    assert measure_pictures(people, unscored).scores is None
