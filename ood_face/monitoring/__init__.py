"""What is watched once the service works: doubtful verdicts, which people look at."""

from __future__ import annotations

from ood_face.monitoring.review import SqliteReviewQueue

__all__ = ["SqliteReviewQueue"]
