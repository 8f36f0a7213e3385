"""What the entry points open is put together so that erasure reaches the review queue."""

from __future__ import annotations

from contextlib import closing

import pytest

from ood_face.bootstrap import (
    open_galleries,
    open_gallery_records,
    open_gallery_store,
    open_review,
    read_settings,
)
from ood_face.errors import StorageCorruptError
from ood_face.types import Profile, ReviewLabel
from tests.fakes import fake_service
from tests.fakes.review import case, everything, yes
from tests.fakes.templates import gallery_info, template
from tests.unit.service.people import ANN, ask, dim, photo


@pytest.fixture
def settings(tmp_path):
    return read_settings(data_dir=tmp_path)


def content(settings) -> bytes:
    paths = sorted(settings.data_dir.rglob("*"))
    return b"".join(path.read_bytes() for path in paths if path.is_file())


def test_a_command_that_erases_a_subject_erases_what_a_server_has_put_in_the_queue(settings):
    with closing(open_gallery_store(settings)) as store:
        store.create(gallery_info()).create_subject("anna-4711", Profile(), [template(1)])
    with closing(open_review(settings)) as review:
        review.queue.offer(case(subject_id="anna-4711"), yes)
    assert b"anna-4711\0" in content(settings)

    with closing(open_gallery_records(settings)) as records:
        records.remove_subject("staff", "anna-4711")
        # also while all is open, with the write-ahead logs
        assert b"anna-4711" not in content(settings)

    with closing(open_review(settings)) as review:
        assert everything(review.queue) == []


def test_the_server_and_its_galleries_share_one_queue(settings):
    with closing(open_review(settings)) as review:
        galleries = open_galleries(settings, fake_service(), review.queue)
        with closing(galleries):
            galleries.create_gallery("staff")
            galleries.enroll("staff", ask("anna-4711", photo(ANN)))
            galleries.identify("staff", dim(ANN, 0.5).image)
            review.queue.flush()
            (item,) = review.page().items
            review.label(item.item_id, ReviewLabel.SAME)
            assert review.export()["labels"].tolist() == [1]


def test_the_settings_bound_the_queue(tmp_path):
    settings = read_settings(data_dir=tmp_path, review_items=2, review_crops=True)
    with closing(open_review(settings)) as review:
        assert review.queue.keeps_crops
        for number in range(5):
            review.queue.offer(case(number), yes)
        review.queue.flush()
        assert len(review.page().items) == 2


def test_a_damaged_file_is_told_and_leaves_nothing_locked(settings, tmp_path):
    (tmp_path / "review.sqlite").write_bytes(b"no database at all" * 500)
    with pytest.raises(StorageCorruptError):
        open_review(settings)
    with pytest.raises(StorageCorruptError):
        open_gallery_records(settings)
    (tmp_path / "review.sqlite").unlink()
    open_gallery_records(settings).close()
