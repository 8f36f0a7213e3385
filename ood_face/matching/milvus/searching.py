"""Searches over a collection of templates, of which only those count that their subject lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.errors import InputError
from ood_face.matching.milvus.documents import from_key, to_key
from ood_face.matching.milvus.rows import MAX_LIMIT
from ood_face.matching.milvus.vector_index import VectorIndex, search_params
from ood_face.types import FEATURE_DIM, Hit
from ood_face.types.arrays import frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.matching.milvus.rows import Rows

__all__ = ["TemplateSearch"]

# found beyond those asked for, so that a few that do not count cost no second search
_SPARE = 8
_ATTEMPTS = 5
_GROWTH = 4


class TemplateSearch:
    """Finds templates by similarity; safe to call from several threads.

    Parameters
    ----------
    templates : the features
    subjects : the rows that say which templates count
    index : how Milvus searches; what an approximate index found is put in order by the features
        themselves
    """

    def __init__(self, templates: Rows, subjects: Rows, index: VectorIndex) -> None:
        self._templates = templates
        self._subjects = subjects
        self._index = index

    def search(self, features: NDArray[np.float32], count: int) -> list[list[Hit]]:
        """Return the most similar templates; see :class:`ood_face.ports.Gallery`.

        Raises
        ------
        InputError
            The features are of another shape, or more are asked for than Milvus returns.
        """
        features = frozen_array(features, np.float32, (len(features), FEATURE_DIM))
        if count > MAX_LIMIT:
            raise InputError(
                "milvus.count",
                "a search in Milvus returns at most {limit} templates, not {got}",
                limit=MAX_LIMIT,
                got=count,
            )
        if count < 1 or not len(features):
            return [[] for _ in features]
        limit = min(count + _SPARE, MAX_LIMIT)
        for attempt in range(_ATTEMPTS):
            found = self._nearest(features, limit)
            valid = self._counted(found)
            dropped = sum(map(len, found)) > sum(map(len, valid))
            short = limit < MAX_LIMIT and any(
                len(kept) < count and len(hits) >= limit
                for kept, hits in zip(valid, found, strict=True)
            )
            # what does not count may have been replaced between the two reads: once more
            if not (short or (dropped and attempt == 0)):
                break
            limit = min(limit * _GROWTH, MAX_LIMIT) if short else limit
        return [hits[:count] for hits in valid]

    def _nearest(self, features: NDArray[np.float32], limit: int) -> list[list[Hit]]:
        if self._index is VectorIndex.FLAT:
            found = self._templates.nearest(features, limit, ["subject"])
            return [_sorted([_hit(hit, float(hit["distance"])) for hit in hits]) for hits in found]
        params = search_params(self._index, limit)
        found = self._templates.nearest(features, limit, ["subject", "feature"], **params)
        return [
            _sorted([_hit(hit, _cosine(probe, hit["entity"]["feature"])) for hit in hits])
            for probe, hits in zip(features, found, strict=True)
        ]

    def _counted(self, found: list[list[Hit]]) -> list[list[Hit]]:
        keys = sorted({to_key(hit.subject_id) for hits in found for hit in hits})
        rows = self._subjects.get(keys, ["template_ids"])
        listed = {int(id_) for row in rows for id_ in row["template_ids"]}
        return [[hit for hit in hits if hit.template_id in listed] for hits in found]


def _hit(row: dict[str, Any], similarity: float) -> Hit:
    return Hit(int(row["id"]), from_key(row["entity"]["subject"]), similarity)


def _sorted(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.similarity, hit.template_id))


def _cosine(probe: NDArray[np.float32], feature: list[float]) -> float:
    stored = np.asarray(feature, dtype=np.float32)
    return float(probe @ stored / (np.linalg.norm(probe) * np.linalg.norm(stored)))
