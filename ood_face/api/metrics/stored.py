"""How much is stored: galleries, and the review queue."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from prometheus_client import Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry

    from ood_face.service import GalleryService, ReviewService

__all__ = ["MOST_GALLERIES", "StoredCollector"]

# with a label of their own, the largest first
MOST_GALLERIES = 100
# counting reads every gallery: it may take a twentieth of the time, and is not done over and over
_SHARE = 20
_LEAST_S = 10.0


class StoredCollector(Collector):
    """Asks what is stored, now and then; what cannot be read is left out and counted.

    Parameters
    ----------
    registry : that the failures are counted in
    galleries : None: there are none
    review : None: nobody reviews
    review_limit : most items in the queue
    now_s : a clock that only goes forward, seconds
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        galleries: GalleryService | None,
        review: ReviewService | None,
        review_limit: int,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._galleries = galleries
        self._review = review
        self._review_limit = review_limit
        self._now_s = now_s
        self._counting = threading.Lock()
        self._known: list[Metric] = []
        self._good_until_s = float("-inf")
        self._failures = Counter(
            "ood_face_scrape_failures",
            "Times that something stored could not be read for these numbers.",
            ["source"],
            registry=registry,
        )
        for source in ("galleries", "review"):
            self._failures.labels(source)

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        # who asks at the same time waits for the first, and gets what that one found
        with self._counting:
            began_s = self._now_s()
            if began_s >= self._good_until_s:
                self._known = [
                    *self._read("galleries", self._of_galleries),
                    *self._read("review", self._of_review),
                ]
                ended_s = self._now_s()
                self._good_until_s = ended_s + max(_LEAST_S, _SHARE * (ended_s - began_s))
            known = self._known
        yield from known

    def _read(self, source: str, read: Callable[[], list[Metric]]) -> list[Metric]:
        try:
            return read()
        except OodFaceError:
            self._failures.labels(source).inc()
            return []

    def _of_galleries(self) -> list[Metric]:
        if self._galleries is None:
            return []
        sizes = [
            (info.name, counts.subjects, counts.templates)
            for info, counts in self._galleries.galleries()
        ]
        subjects = GaugeMetricFamily(
            "ood_face_gallery_subjects",
            f"Subjects of each of the {MOST_GALLERIES} largest galleries.",
            labels=["gallery"],
        )
        templates = GaugeMetricFamily(
            "ood_face_gallery_templates",
            f"Templates of each of the {MOST_GALLERIES} largest galleries.",
            labels=["gallery"],
        )
        largest = sorted(sizes, key=lambda size: (-size[2], size[0]))[:MOST_GALLERIES]
        for name, subject_count, template_count in largest:
            subjects.add_metric([name], subject_count)
            templates.add_metric([name], template_count)
        return [
            GaugeMetricFamily("ood_face_galleries", "Galleries.", len(sizes)),
            GaugeMetricFamily(
                "ood_face_subjects", "Subjects of all galleries.", sum(size[1] for size in sizes)
            ),
            GaugeMetricFamily(
                "ood_face_templates", "Templates of all galleries.", sum(size[2] for size in sizes)
            ),
            subjects,
            templates,
        ]

    def _of_review(self) -> list[Metric]:
        if self._review is None:
            return []
        total, labelled = self._review.size()
        items = GaugeMetricFamily(
            "ood_face_review_items", "Verdicts in the review queue.", labels=["state"]
        )
        items.add_metric(["open"], total - labelled)
        items.add_metric(["labelled"], labelled)
        limit = GaugeMetricFamily(
            "ood_face_review_items_limit",
            "Most verdicts in the review queue; the oldest without a label go first.",
            self._review_limit,
        )
        return [items, limit]
