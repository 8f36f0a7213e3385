"""Networks that the loops in C can run themselves, without Python's lock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

__all__ = [
    "Aimed",
    "LogitsNetwork",
    "NativeNetwork",
    "OwnAimed",
    "OwnNetwork",
    "Runner",
    "SquaresNetwork",
    "aligned_room",
]

_ALIGNMENT = 64
# what is said of a window: logit and box offsets
_NUMBERS = 5

_NUMBERS_OF_A_JOB, _NUMBERS_OF_A_STEP, _NUMBERS_OF_A_PLAN = 5, 4, 4
_NUMBERS_OF_STRUCTS = _NUMBERS_OF_A_JOB + _NUMBERS_OF_A_STEP + _NUMBERS_OF_A_PLAN


class Aimed(Protocol):
    """A network that reads and writes at fixed places."""

    @property
    def answer(self) -> NDArray[np.float32]:
        """What a run writes to."""
        ...

    @property
    def address(self) -> int:
        """Where the ``plan`` of ``native.h`` is."""
        ...

    @property
    def job(self) -> int:
        """Where its ``job`` is, which is to be told a picture's size; 0: it has none."""
        ...

    def check(self, status: int) -> None:
        """Raise BackendError if a run ended with this status, and that is no success."""
        ...


class Runner(Protocol):
    """Runs a network, one picture after the other."""

    def aim(self, image: NDArray[np.float32]) -> Aimed:
        """Make ready to run on what lies in ``image``; until the next time."""
        ...


@runtime_checkable
class NativeNetwork(Protocol):
    """A network that the loops can run themselves."""

    @property
    def any_size(self) -> bool:
        """Whether batches of all sizes are as good; else few sizes should be seen."""
        ...

    def held(self, most: int) -> AbstractContextManager[Sequence[Runner]]:
        """Hold so many runners, or fewer if they are not free; at least one, waited for."""
        ...


@dataclass(frozen=True, slots=True)
class OwnAimed:
    """See :class:`Aimed`; ``kept``: what the addresses point to."""

    answer: NDArray[np.float32]
    address: int
    job: int
    kept: tuple[NDArray[np.generic] | None, ...]

    def check(self, status: int) -> None:
        """Return: sums and products do not fail."""


class OwnNetwork(ABC):
    """A network in C of our own; safe to call from several threads.

    Parameters
    ----------
    native : the shared library
    entry : address of the function in it that runs the network
    network : what the function takes as the network
    """

    any_size = True

    def __init__(self, native: ctypes.CDLL, entry: int, network: NDArray[np.generic]) -> None:
        self._native, self._entry = native, entry
        self._network, self._network_at = network, network.ctypes.data

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Look at what :meth:`aim` takes; see :class:`ood_face.ports.Session`."""
        (image,) = inputs.values()
        aimed = self.aim(image)
        self._native.steps_run(aimed.address)
        return {"answers": aimed.answer}

    @contextmanager
    def held(self, most: int) -> Iterator[Sequence[Runner]]:
        """See :class:`NativeNetwork`: there are as many as are wanted."""
        yield [self] * most

    @abstractmethod
    def aim(self, image: NDArray[np.float32]) -> OwnAimed:
        """See :class:`Runner`."""

    def _aimed(
        self,
        pixels: NDArray[np.float32],
        size: tuple[int, int],
        answer: NDArray[np.float32],
        room: NDArray[np.uint8] | None = None,
    ) -> OwnAimed:
        # job, step and plan of native.h, behind each other
        structs = np.empty(_NUMBERS_OF_STRUCTS, np.int64)
        job = structs.ctypes.data
        step = job + 8 * _NUMBERS_OF_A_JOB
        address = step + 8 * _NUMBERS_OF_A_STEP
        structs[:] = (
            *(
                pixels.ctypes.data,
                *size,
                0 if room is None else room.ctypes.data,
                answer.ctypes.data,
            ),
            *(self._entry, self._network_at, job, 1),
            *(0, step, 1, 0),
        )
        return OwnAimed(answer, address, job, (pixels, room, structs))


class SquaresNetwork(OwnNetwork):
    """A network that looks at squares of one size, each by itself: windows or crops.

    Parameters
    ----------
    native, entry, network : see :class:`OwnNetwork`
    side_px : of a square
    room_bytes : working memory of a run
    """

    def __init__(
        self,
        native: ctypes.CDLL,
        entry: int,
        network: NDArray[np.generic],
        side_px: int,
        room_bytes: int = 0,
    ) -> None:
        super().__init__(native, entry, network)
        self._side_px, self._room_bytes = side_px, room_bytes

    def aim(self, image: NDArray[np.float32]) -> OwnAimed:
        """See :class:`Runner`.

        Parameters
        ----------
        image : of shape (N, 3, side, side), the pixels (0..255) of a contiguous float32 array of
            shape (N, side, side, 3)

        Returns
        -------
        its answer: float32 array of shape (N, 5), logit and box offsets

        Raises
        ------
        ValueError
            The array is another one.
        """
        pixels = image.transpose(0, 2, 3, 1)
        shape = (self._side_px, self._side_px, 3)
        fits = pixels.shape[1:] == shape and pixels.dtype == np.float32
        if not fits or not pixels.flags.c_contiguous:
            raise ValueError(image.dtype, image.shape, image.strides)
        answer = np.empty((len(pixels), _NUMBERS), np.float32)
        room = aligned_room(self._room_bytes) if self._room_bytes else None
        return self._aimed(pixels, (len(pixels), self._side_px), answer, room)


class LogitsNetwork(OwnNetwork):
    """A P-Net of whose five answers the first, the logit, is computed; loops are told no others."""

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Look at one picture, see :meth:`aim`; the box offsets are zeros."""
        (logits,) = super().run(inputs).values()
        return {"answers": np.pad(logits, ((0, 0), (0, _NUMBERS - 1), (0, 0), (0, 0)))}


def aligned_room(size: int) -> NDArray[np.uint8]:
    """Return so many bytes, with anything in them, whose address is a multiple of 64."""
    room = np.empty(size + _ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % _ALIGNMENT
    return room[begin : begin + size]
