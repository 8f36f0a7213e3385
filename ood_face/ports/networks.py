"""What finds and embeds faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.types import DetectedFace, DropoutPasses, Embeddings, QualityScore, RgbImage
    from ood_face.uncertainty import Uncertainties

__all__ = ["Detector", "Embedder", "Session", "SharedSession"]


class Session(Protocol):
    """One network ready to run; safe to call from several threads."""

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Raises
        ------
        BackendError
            The engine failed, or the inputs do not fit the network.
        """
        ...


@runtime_checkable
class SharedSession(Session, Protocol):
    """A network that several threads can run together."""

    def run_with(
        self, inputs: Mapping[str, NDArray[np.float32]], team: int, helpers: int
    ) -> dict[str, NDArray[np.float32]]:
        """Run the network once, on a single picture; the answer is that of :meth:`run`.

        Parameters
        ----------
        inputs : see :meth:`run`
        team, helpers : of a crew, see :class:`ood_face.crew.Crew`; 0: the caller alone

        Raises
        ------
        BackendError
            See :meth:`run`.
        """
        ...


class Detector(Protocol):
    """Finds faces; safe to call from several threads."""

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of one picture, largest box first; empty where there is none."""
        ...


class Embedder(Protocol):
    """Turns aligned faces into features and scores; safe to call from several threads."""

    @property
    def model_id(self) -> str:
        """Name and version of the model, stable across machines."""
        ...

    @property
    def quality_score(self) -> QualityScore:
        """What the ``ood_score`` is worth; ``none``: the embeddings carry no scores."""
        ...

    @property
    def has_dropout(self) -> bool:
        """Whether it can run Monte Carlo dropout."""
        ...

    def embed(self, crops: NDArray[np.uint8]) -> Embeddings:
        """Embed uint8 (N, 112, 112, 3) RGB crops; N may be 0."""
        ...

    def embed_with_uncertainty(
        self, crops: NDArray[np.uint8], passes: int
    ) -> tuple[Embeddings, Uncertainties]:
        """Embed, and estimate by Monte Carlo dropout how sure that is.

        The same crop gives the same numbers every time, alone and in a batch.

        Raises
        ------
        InputError
            ``passes`` is no integer from 2 to 200, or the model has no dropout.
        """
        ...

    def embed_passes(
        self, crops: NDArray[np.uint8], passes: int
    ) -> tuple[Embeddings, list[DropoutPasses]]:
        """Embed, and return for each crop what every pass of Monte Carlo dropout gave.

        The passes are those of :meth:`embed_with_uncertainty`, which raises the same.
        """
        ...
