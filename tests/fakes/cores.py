"""What needs more than one core."""

from __future__ import annotations

import pytest

from ood_face.cores import core_count

__all__ = ["several"]

# on one core nobody can be kept off another, and nobody helps
several = pytest.mark.skipif(core_count() < 2, reason="the tests may use one core only")
