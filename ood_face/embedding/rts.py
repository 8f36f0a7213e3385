"""The RTS embedder: aligned faces to features, RTS variance and ``ood_score``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.errors import ArtifactError, BackendError
from ood_face.imaging.preprocess import preprocess
from ood_face.types import FEATURE_DIM, Embeddings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.embedding.score import ScoreCurve
    from ood_face.ports import Session

__all__ = ["RtsEmbedder"]

# One run of the network at most: bounds memory whatever a caller sends.
MAX_BATCH = 16
# Paddle names the outputs of a saved program by their order.
FEATURE_OUTPUT = "fetch_name_0"
LOGVAR_OUTPUT = "fetch_name_1"


class RtsEmbedder:
    """See :class:`ood_face.ports.Embedder`.

    Parameters
    ----------
    session : network with input ``image`` (N, 3, 112, 112) and two outputs: the feature
        (N, 512), not normalised, then the RTS log-variance (N, dof)
    curve : maps the mean variance to the score
    model_id : written into every template
    """

    def __init__(self, session: Session, curve: ScoreCurve, model_id: str) -> None:
        self._session = session
        self._curve = curve
        self._model_id = model_id

    @property
    def model_id(self) -> str:
        """Name and version of the model, stable across machines."""
        return self._model_id

    @property
    def curve(self) -> ScoreCurve:
        """Maps the variance to the score."""
        return self._curve

    def embed(self, crops: NDArray[np.uint8]) -> Embeddings:
        """Embed uint8 (N, 112, 112, 3) RGB crops; N may be 0.

        Raises
        ------
        InputError
            The crops have another shape or type.
        BackendError
            The network failed or gave numbers that are not finite.
        """
        raw, variances = self.measure(crops)
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        if not (np.all(np.isfinite(variances)) and np.all(np.isfinite(norms)) and np.all(norms)):
            raise BackendError(
                "embedding.not_finite", "the network gave numbers that are not finite"
            )
        return Embeddings(raw / norms, self._curve(variances), variances)

    def measure(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the network's own numbers: features (N, 512) with their norms, variances (N,)."""
        images = preprocess(crops)
        raw = np.empty((len(images), FEATURE_DIM), np.float32)
        variances = np.empty(len(images), np.float32)
        for start in range(0, len(images), MAX_BATCH):
            part = slice(start, start + MAX_BATCH)
            outputs = self._session.run({"image": images[part]})
            raw[part] = outputs[FEATURE_OUTPUT]
            variances[part] = np.exp(outputs[LOGVAR_OUTPUT]).mean(axis=1)
        return raw, variances


def check_outputs(session: Session) -> None:
    """Run one grey crop through a session and check that it is an RTS backbone.

    Raises
    ------
    ArtifactError
        An output is missing or has another shape.
    """
    outputs = session.run({"image": np.zeros((1, 3, 112, 112), np.float32)})
    shapes = {name: value.shape for name, value in outputs.items()}
    if shapes.get(FEATURE_OUTPUT) != (1, FEATURE_DIM) or len(shapes.get(LOGVAR_OUTPUT, ())) != 2:
        raise ArtifactError(
            "embedding.outputs",
            "an RTS backbone gives a feature (1, {dim}), then log-variances (1, dof); "
            "this program has {shapes}",
            dim=FEATURE_DIM,
            shapes=shapes,
        )
