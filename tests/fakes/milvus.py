"""A connection to Milvus that breaks on demand, and that several stores may share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ood_face.errors import BackendError
from ood_face.matching.milvus.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class BreakingConnection(Connection):
    """Milvus Lite that fails when so many writes were made, and from then on.

    Attributes
    ----------
    writes_left : writes until it breaks; None: it does not
    writes : names of the collections that were written, in order
    before_get : called before rows are read by key
    """

    def __init__(self, uri: str, token: str | None = None) -> None:
        super().__init__(uri, token)
        self.writes_left: int | None = None
        self.writes: list[str] = []
        self.before_get: Callable[[str], None] = lambda _: None

    def upsert(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        self._write(name)
        super().upsert(name, rows)

    def delete(self, name: str, ids: Sequence[str] | Sequence[int]) -> None:
        self._write(name)
        super().delete(name, ids)

    def get(
        self, name: str, ids: Sequence[str] | Sequence[int], fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        self.before_get(name)
        return super().get(name, ids, fields)

    def close(self) -> None:
        """Stay open: another store may use it."""

    def end(self) -> None:
        """Close in earnest."""
        super().close()

    def _write(self, name: str) -> None:
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise BackendError(
                    "milvus.failed",
                    "Milvus at {address} failed: {problem}",
                    address="test",
                    problem="broken by the test",
                )
            self.writes_left -= 1
        self.writes.append(name.rpartition("_")[2])
