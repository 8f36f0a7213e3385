"""What the metrics say of galleries and of the review queue."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry

from ood_face.api.metrics.stored import MOST_GALLERIES, StoredCollector
from ood_face.errors import StorageError
from ood_face.service import ReviewService
from ood_face.types import GalleryCounts, ReviewLabel
from tests.fakes import fake_gallery_service
from tests.fakes.audit import RecordingAudit
from tests.fakes.review import FakeReviewQueue, case, everything, yes
from tests.unit.service.people import ANN, BEN, ask, photo


class Clock:
    """Goes on where it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Info:
    def __init__(self, name: str) -> None:
        self.name = name


class ManyGalleries:
    """Galleries of given sizes; counting them takes ``takes_s``."""

    def __init__(self, clock: Clock, sizes: dict[str, int], takes_s: float = 0.0) -> None:
        self._clock = clock
        self._sizes = sizes
        self._takes_s = takes_s
        self.asked = 0
        self.broken = False

    def galleries(self):
        self.asked += 1
        self._clock.now_s += self._takes_s
        if self.broken:
            raise StorageError("storage.failed", "broken")
        return [(Info(name), GalleryCounts(1, size)) for name, size in self._sizes.items()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def registry_of(galleries=None, review=None, clock=None, limit: int = 500) -> CollectorRegistry:
    registry = CollectorRegistry()
    clock = Clock() if clock is None else clock
    registry.register(StoredCollector(registry, galleries, review, limit, clock))
    return registry


def family(registry: CollectorRegistry, name: str) -> dict[str, float]:
    return {
        next(iter(sample.labels.values()), ""): sample.value
        for found in registry.collect()
        for sample in found.samples
        if sample.name == name
    }


def test_sizes_are_those_of_the_galleries():
    galleries = fake_gallery_service()
    for name in ("staff", "visitors"):
        galleries.create_gallery(name)
    galleries.enroll("staff", ask("ann", photo(ANN)))
    galleries.enroll("staff", ask("ben", photo(BEN)))
    registry = registry_of(galleries)
    assert family(registry, "ood_face_galleries") == {"": 2}
    assert family(registry, "ood_face_subjects") == {"": 2}
    assert family(registry, "ood_face_gallery_subjects") == {"staff": 2, "visitors": 0}
    assert family(registry, "ood_face_gallery_templates") == {"staff": 2, "visitors": 0}
    assert family(registry, "ood_face_templates") == {"": 2}


def test_only_the_largest_galleries_have_a_label_and_the_sum_is_of_all(clock):
    sizes = {f"g{number:03}": number for number in range(MOST_GALLERIES + 50)}
    registry = registry_of(ManyGalleries(clock, sizes), clock=clock)
    found = family(registry, "ood_face_gallery_templates")
    assert set(found) == {f"g{number:03}" for number in range(50, MOST_GALLERIES + 50)}
    assert family(registry, "ood_face_galleries") == {"": MOST_GALLERIES + 50}
    assert family(registry, "ood_face_templates") == {"": sum(sizes.values())}


def test_counting_that_takes_long_is_not_done_at_every_scrape(clock):
    galleries = ManyGalleries(clock, {"staff": 3}, takes_s=4.0)
    registry = registry_of(galleries, clock=clock)
    for _ in range(5):
        assert family(registry, "ood_face_templates") == {"": 3}
        clock.now_s += 15.0
    assert galleries.asked == 1
    clock.now_s += 10.0
    assert family(registry, "ood_face_templates") == {"": 3}
    assert galleries.asked == 2


def test_who_asks_at_the_same_time_does_not_count_again(clock):
    galleries = ManyGalleries(clock, {"staff": 3})
    registry = registry_of(galleries, clock=clock)
    threads = [
        threading.Thread(target=family, args=(registry, "ood_face_templates")) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert galleries.asked == 1


def test_a_store_that_fails_leaves_its_numbers_out_and_is_counted(clock):
    galleries = ManyGalleries(clock, {"staff": 3})
    review = ReviewService(FakeReviewQueue(), RecordingAudit())
    registry = registry_of(galleries, review, clock)
    assert family(registry, "ood_face_scrape_failures_total") == {"galleries": 0, "review": 0}
    galleries.broken = True
    clock.now_s += 60.0
    assert family(registry, "ood_face_templates") == {}
    assert family(registry, "ood_face_review_items") == {"open": 0, "labelled": 0}
    assert family(registry, "ood_face_scrape_failures_total") == {"galleries": 1, "review": 0}
    galleries.broken = False
    clock.now_s += 60.0
    assert family(registry, "ood_face_templates") == {"": 3}


def test_the_review_queue_is_told_by_what_waits_and_what_is_labelled():
    queue = FakeReviewQueue()
    for number in range(5):
        queue.offer(case(number), yes)
    review = ReviewService(queue, RecordingAudit())
    for item in everything(queue)[:2]:
        review.label(item.item_id, ReviewLabel.SAME)
    registry = registry_of(review=review, limit=500)
    assert family(registry, "ood_face_review_items") == {"open": 3, "labelled": 2}
    assert family(registry, "ood_face_review_items_limit") == {"": 500}
    assert family(registry, "ood_face_galleries") == {}
