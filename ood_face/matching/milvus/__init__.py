"""Galleries past one machine: Milvus."""

from __future__ import annotations

from ood_face.matching.milvus.store import MilvusGalleryStore
from ood_face.matching.milvus.vector_index import VectorIndex

__all__ = ["MilvusGalleryStore", "VectorIndex"]
