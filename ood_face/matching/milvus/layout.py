"""Which collections a gallery has, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ood_face.matching.milvus.documents import GalleryRow, to_key
from ood_face.matching.milvus.rows import Rows
from ood_face.matching.milvus.schema import crops_name, subjects_name, templates_name
from ood_face.matching.refusals import no_gallery

if TYPE_CHECKING:
    from ood_face.errors import GalleryNotFoundError
    from ood_face.matching.milvus.connection import Connection
    from ood_face.matching.milvus.vector_index import VectorIndex

__all__ = ["Layout"]


class Layout:
    """The collections of one gallery.

    Parameters
    ----------
    connection : to Milvus
    galleries : the rows of all galleries
    name : of the gallery
    uid : of the gallery; a later one of the same name has another
    index : how Milvus searches its templates

    Attributes
    ----------
    name, uid, index : as given
    subjects, templates : its rows
    """

    def __init__(
        self, connection: Connection, galleries: Rows, name: str, uid: str, index: VectorIndex
    ) -> None:
        self._connection = connection
        self._galleries = galleries
        self.name = name
        self.uid = uid
        self.index = index
        self.subjects = Rows(connection, subjects_name(uid), self._gone)
        self.templates = Rows(connection, templates_name(uid), self._gone)

    def row(self) -> GalleryRow:
        """Return the gallery as of now.

        Raises
        ------
        GalleryNotFoundError
            It was deleted.
        """
        for row in self._galleries.get([to_key(self.name)], ["document"]):
            found = GalleryRow.from_row(row)
            if found.uid == self.uid:
                return found
        raise self._gone()

    def crops(self, crops: str) -> Rows:
        """Return the rows of crops; they are gone where crops are not kept any more."""
        return Rows(self._connection, crops_name(self.uid, crops), self._gone)

    def purge(self) -> None:
        """Have Milvus drop deleted rows from what it has written."""
        self.subjects.purge()
        self.templates.purge()
        current = self.row().crops
        if current is not None:
            self.crops(current).purge()

    def _gone(self) -> GalleryNotFoundError:
        return no_gallery(self.name)
