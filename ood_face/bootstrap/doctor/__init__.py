"""What ``ood-face doctor`` looks at; nothing is changed, and no server is needed."""

from __future__ import annotations

from ood_face.bootstrap.doctor.examination import Diagnosis, examine
from ood_face.bootstrap.doctor.findings import Finding, State

__all__ = ["Diagnosis", "Finding", "State", "examine"]
