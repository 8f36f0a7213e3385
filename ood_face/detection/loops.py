"""What the cascade does for every pixel, window and box: in C where that is there, else in NumPy.

Both give the same, bit for bit. The C (``ood_face/native/loops.c``) is compiled when the package
is installed; where there was no compiler, NumPy does it, and detection takes longer.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Protocol

from ood_face.detection.compiled import CompiledLoops
from ood_face.detection.interpreted import NumpyLoops
from ood_face.native import NativeMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ood_face.detection.geometry import Rules
    from ood_face.types import RgbImage

__all__ = ["Loops", "Picture", "loops"]

logger = logging.getLogger(__name__)


class Picture(Protocol):
    """A picture that parts are cut out of and resized, as :mod:`ood_face.detection.area` says."""

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    def fill(self, blocks: NDArray[np.void], tile: NDArray[np.float32]) -> None:
        """Write the blocks of a tile of the pyramid.

        Parameters
        ----------
        blocks : what lies in the tile, see :data:`ood_face.detection.pyramid.BLOCK`
        tile : float32 array of shape (rows, columns, 3); what no block fills is left as it was
        """
        ...

    def look(self, sizes_px: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is in single windows of the pyramid.

        Parameters
        ----------
        sizes_px : int64 array of shape (levels, 2): height and width of each
        windows : int64 array of shape (N, 3): level, and row and column of the cell in it

        Returns
        -------
        float32 array of shape (N, 12, 12, 3)
        """
        ...

    def crops(self, slices: NDArray[np.int64], side_px: int) -> NDArray[np.float32]:
        """Cut out and resize.

        Parameters
        ----------
        slices : int64 array of shape (N, 4): x0, y0, x1, y1, inside the picture, none empty
        side_px : side of the results

        Returns
        -------
        float32 array of shape (N, side_px, side_px, 3)
        """
        ...


class Loops(Protocol):
    """The loops."""

    def picture(self, image: RgbImage) -> Picture:
        """Make a picture ready: a uint8 array of shape (H, W, 3), RGB."""
        ...

    def cells_above(
        self, answer: NDArray[np.float32], blocks: NDArray[np.void], lowest: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the windows of a tile in which the P-Net sees a face.

        Parameters
        ----------
        answer : float32 array of shape (5, rows, columns): logit and box offsets of each cell
        blocks : what lies in the tile
        lowest : logit

        Returns
        -------
        windows : int64 array of shape (N, 3): level, and row and column of the cell in it
        answers : float32 array of shape (N, 5)
        """
        ...

    def kept(
        self,
        boxes: NDArray[np.float32],
        order: NDArray[np.int64],
        groups: NDArray[np.int64],
        max_overlap: float,
        *,
        of_smaller: bool,
    ) -> NDArray[np.int64]:
        """Return which boxes are left when each one suppresses those that overlap it too much.

        Parameters
        ----------
        boxes : float32 array of shape (N, 4): left, top, right, bottom
        order : int64 array: indices, best first
        groups : int64 array of shape (N,); boxes of different groups never suppress each other
        max_overlap : highest intersection over union
        of_smaller : over the smaller of the two boxes instead, and sides count whole pixels (+1)
        """
        ...

    def window_boxes(
        self, windows: NDArray[np.int64], scales: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the boxes of windows of the pyramid.

        Parameters
        ----------
        windows : int64 array of shape (N, 3): level, and row and column of the cell in it
        scales : float32 array of shape (levels,)

        Returns
        -------
        float32 array of shape (N, 4)
        """
        ...

    def settled(
        self,
        boxes: NDArray[np.float32],
        answers: NDArray[np.float32],
        rules: Rules,
        levels: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Return the boxes that a network's answers leave, best first, moved and made square.

        Parameters
        ----------
        boxes : float32 array of shape (N, 4)
        answers : float32 array of shape (N, 5): logit and offsets
        rules : which are left
        levels : int64 array of shape (N,), of the pyramid; None: there is no rule about them

        Returns
        -------
        float32 array of shape (M, 4)
        """
        ...

    def inside(
        self, boxes: NDArray[np.float32], height: int, width: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the boxes that meet a picture, and what of each is inside it.

        Parameters
        ----------
        boxes : float32 array of shape (N, 4)
        height, width : of the picture

        Returns
        -------
        boxes : float32 array of shape (M, 4)
        slices : int64 array of shape (M, 4), see :meth:`Picture.crops`
        """
        ...


@cache
def loops() -> Loops:
    """Return those in C, where they are there."""
    try:
        return CompiledLoops()
    except NativeMissingError as exc:
        logger.warning("faces are found more slowly: %s", exc)
        return NumpyLoops()
