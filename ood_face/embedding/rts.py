"""The RTS embedder: aligned faces to features, RTS variance and ``ood_score``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ood_face.crew import Crews
from ood_face.embedding.dropout import crop_generator, monte_carlo, run_passes
from ood_face.embedding.features import not_finite, unit_features
from ood_face.errors import ArtifactError
from ood_face.imaging.preprocess import preprocess
from ood_face.ports import SharedSession
from ood_face.types import DropoutPasses, Embeddings, QualityScore
from ood_face.uncertainty import DEFAULT_PASSES, Uncertainties, check_passes, no_dropout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ood_face.embedding.head import Head
    from ood_face.embedding.score import ScoreCurve
    from ood_face.ports import Session

__all__ = ["RtsEmbedder"]

# One run of the network at most: bounds memory whatever a caller sends.
MAX_BATCH = 16
# Paddle names the outputs of a saved program by their order.
FLAT_OUTPUT = "fetch_name_0"


class RtsEmbedder:
    """See :class:`ood_face.ports.Embedder`.

    Parameters
    ----------
    session : trunk with input ``image`` (N, 3, 112, 112) and one output: activations (N, D)
    head : makes features and variances of the activations
    curve : maps the mean variance to the score
    model_id : written into every template
    crews : the threads that embed the faces of one call; None: the caller's alone
    """

    def __init__(
        self,
        session: Session,
        head: Head,
        curve: ScoreCurve,
        model_id: str,
        crews: Crews | None = None,
    ) -> None:
        self._session = session
        self._shared = session if isinstance(session, SharedSession) else None
        self._crews = Crews() if crews is None else crews
        self._head = head
        self._curve = curve
        self._model_id = model_id

    @property
    def model_id(self) -> str:
        """Name and version of the model, stable across machines."""
        return self._model_id

    @property
    def quality_score(self) -> QualityScore:
        """What the score is worth, as the curve says."""
        return QualityScore.CALIBRATED if self._curve.calibrated else QualityScore.UNCALIBRATED

    @property
    def has_dropout(self) -> bool:
        """Whether the model was trained with dropout."""
        return self._head.dropout > 0

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
        return self._embeddings(*self.measure(crops))

    def embed_with_uncertainty(
        self, crops: NDArray[np.uint8], passes: int = DEFAULT_PASSES
    ) -> tuple[Embeddings, Uncertainties]:
        """Embed crops and say how sure that is; the trunk runs once, the head ``passes`` times.

        The dropout masks are drawn from a generator that the crop's own pixels seed: the same
        crop gives the same numbers, in any batch, process and order.

        Parameters
        ----------
        crops : uint8 (N, 112, 112, 3) RGB; N may be 0
        passes : Monte Carlo passes, 2..200

        Raises
        ------
        InputError
            The crops have another shape or type, ``passes`` is out of range, or the model was
            trained without dropout.
        BackendError
            The network failed or gave numbers that are not finite.
        """
        self._check_passes(passes)
        flat = self._activations(crops)
        raw, variances = self._head(flat)
        embeddings = self._embeddings(raw, variances)
        runs = np.array(
            [
                monte_carlo(self._head, self._curve, row, passes, crop_generator(crop))
                for row, crop in zip(flat, crops, strict=True)
            ]
        ).reshape(-1, 3)
        if not np.all(np.isfinite(runs)):
            raise not_finite()
        entropy, doubt = self._doubts(embeddings.features)
        return embeddings, Uncertainties(
            rts_variance=variances,
            passes=passes,
            score_mean=runs[:, 0],
            score_spread=runs[:, 1],
            feature_spread=runs[:, 2],
            entropy=entropy,
            one_minus_max_probability=doubt,
        )

    def embed_passes(
        self, crops: NDArray[np.uint8], passes: int
    ) -> tuple[Embeddings, list[DropoutPasses]]:
        """Embed crops, and return what each pass of :meth:`embed_with_uncertainty` gave.

        Parameters, errors and the masks are the same.
        """
        self._check_passes(passes)
        flat = self._activations(crops)
        embeddings = self._embeddings(*self._head(flat))
        runs = []
        for row, crop in zip(flat, crops, strict=True):
            run = run_passes(self._head, self._curve, row, passes, crop_generator(crop))
            runs.append(DropoutPasses(*(values.astype(np.float32) for values in run)))
        if not all(np.isfinite(run.features).all() for run in runs):
            raise not_finite()
        return embeddings, runs

    def uncertainty(self, crops: NDArray[np.uint8], passes: int = DEFAULT_PASSES) -> Uncertainties:
        """Return the uncertainties alone; see :meth:`embed_with_uncertainty`."""
        return self.embed_with_uncertainty(crops, passes)[1]

    def measure(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the network's own numbers: features (N, 512) with their norms, variances (N,)."""
        return self._head(self._activations(crops))

    def _check_passes(self, passes: int) -> None:
        check_passes(passes)
        if not self.has_dropout:
            raise no_dropout(self._model_id)

    def _activations(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = preprocess(crops)
        flat = np.empty((len(images), self._head.width), np.float32)

        def run(share: slice) -> None:
            for start in range(share.start, share.stop, MAX_BATCH):
                part = slice(start, min(start + MAX_BATCH, share.stop))
                flat[part] = self._session.run({"image": images[part]})[FLAT_OUTPUT]

        # a face's numbers are the same whatever others are beside it, and whoever shares it
        with self._crews.taken() as crew:
            # those that are left when all threads have as many are shared by all of them
            left = len(images) % crew.threads if self._shared is not None else 0
            crew.each(run, crew.shares(len(images) - left, 1))
            if self._shared is not None and left:
                with crew.gathered():
                    for index in range(len(images) - left, len(images)):
                        one = slice(index, index + 1)
                        flat[one] = self._shared.run_with(
                            {"image": images[one]}, crew.team, crew.threads - 1
                        )[FLAT_OUTPUT]
        return flat

    def _embeddings(self, raw: NDArray[np.float32], variances: NDArray[np.float32]) -> Embeddings:
        if not np.all(np.isfinite(variances)):
            raise not_finite()
        return Embeddings(unit_features(raw), self._curve(variances), variances)

    def _doubts(
        self, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | tuple[None, None]:
        identities = self._head.identities
        if identities is None:
            return None, None
        # in parts: there may be many thousands of identities
        parts = [
            identities.doubts(features[start : start + MAX_BATCH])
            for start in range(0, len(features), MAX_BATCH)
        ]
        entropies, doubts = zip(*parts, strict=True) if parts else ((), ())
        return _joined(entropies), _joined(doubts)


def check_trunk(session: Session, head: Head) -> None:
    """Run one grey crop through a trunk and check that it gives what the head reads.

    Raises
    ------
    ArtifactError
        The output is missing or has another shape.
    """
    outputs = session.run({"image": np.zeros((1, 3, 112, 112), np.float32)})
    shapes = {name: value.shape for name, value in outputs.items()}
    if shapes != {FLAT_OUTPUT: (1, head.width)}:
        raise ArtifactError(
            "embedding.outputs",
            "the head reads {width} activations, so the backbone must have one output "
            "(1, {width}); this program has {shapes}",
            width=head.width,
            shapes=shapes,
        )


def _joined(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *parts])
