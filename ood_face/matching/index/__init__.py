"""Vector indexes: caches of the truth that can be rebuilt at any time."""

from __future__ import annotations

from ood_face.matching.index.files import IndexDamagedError, is_index_of
from ood_face.matching.index.gallery_index import GalleryIndex

__all__ = ["GalleryIndex", "IndexDamagedError", "is_index_of"]
