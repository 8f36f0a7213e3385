"""Galleries past one machine: Milvus."""

from __future__ import annotations

from ood_face.matching.milvus.schema import VectorIndex
from ood_face.matching.milvus.store import MilvusGalleryStore

__all__ = ["MilvusGalleryStore", "VectorIndex"]
