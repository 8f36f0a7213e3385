"""An embedder around any network from a 112x112 face to 512 numbers; it gives no quality score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ood_face.embedding.features import unit_features
from ood_face.embedding.rts import MAX_BATCH
from ood_face.errors import ArtifactError, BackendError, InputError
from ood_face.imaging.preprocess import preprocess
from ood_face.types import CROP_SIDE_PX, FEATURE_DIM, Embeddings, QualityScore
from ood_face.uncertainty import DEFAULT_PASSES, check_passes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ood_face.ports import Session
    from ood_face.runtime.program import InputSpec
    from ood_face.types import DropoutPasses
    from ood_face.uncertainty import Uncertainties

__all__ = ["PlainEmbedder", "Plan", "make_plan"]

_IMAGE_SHAPE = (3, CROP_SIDE_PX, CROP_SIDE_PX)
# a network that keeps pictures apart differs between batches by rounding alone
_SAME_COSINE = 0.9999


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is fed.

    Attributes
    ----------
    input_name, output_name : what it calls pictures and features
    batch : pictures in a run at most
    fixed : every run takes exactly ``batch`` pictures
    """

    input_name: str
    output_name: str
    batch: int
    fixed: bool


class PlainEmbedder:
    """See :class:`ood_face.ports.Embedder`.

    Parameters
    ----------
    session : network from pictures (N, 3, 112, 112) to features (N, 512), not normalised
    plan : how it is fed, see :func:`make_plan`
    model_id : written into every template
    """

    def __init__(self, session: Session, plan: Plan, model_id: str) -> None:
        self._session = session
        self._plan = plan
        self._model_id = model_id

    @property
    def model_id(self) -> str:
        """Name and version of the model, stable across machines."""
        return self._model_id

    @property
    def quality_score(self) -> QualityScore:
        """Always ``none``: the network says nothing about a face's quality."""
        return QualityScore.NONE

    @property
    def has_dropout(self) -> bool:
        """Always False: it is one closed network."""
        return False

    def embed(self, crops: NDArray[np.uint8]) -> Embeddings:
        """Embed uint8 (N, 112, 112, 3) RGB crops, without scores and variances; N may be 0.

        Raises
        ------
        InputError
            The crops have another shape or type.
        BackendError
            The network failed or gave numbers that are not finite.
        """
        raw = _run(self._session, self._plan, preprocess(crops))
        return Embeddings(unit_features(raw), None, None)

    def embed_with_uncertainty(
        self,
        crops: NDArray[np.uint8],  # noqa: ARG002 - a port's argument
        passes: int = DEFAULT_PASSES,
    ) -> tuple[Embeddings, Uncertainties]:
        """Refuse: only a model with a head of its own can estimate its uncertainty.

        Raises
        ------
        InputError
            Always.
        """
        raise self._closed(passes)

    def embed_passes(
        self,
        crops: NDArray[np.uint8],  # noqa: ARG002 - a port's argument
        passes: int,
    ) -> tuple[Embeddings, list[DropoutPasses]]:
        """Refuse, as :meth:`embed_with_uncertainty` does.

        Raises
        ------
        InputError
            Always.
        """
        raise self._closed(passes)

    def _closed(self, passes: int) -> InputError:
        check_passes(passes)
        return InputError(
            "uncertainty.no_head",
            "the model {model} cannot estimate its uncertainty: it is one closed network, "
            "without a head that could be run several times",
            model=self._model_id,
        )


def make_plan(session: Session, specs: Mapping[str, InputSpec]) -> Plan:
    """Check a network by what it says of its input and by running it, and plan its runs.

    A network that takes any number of pictures is run with two different ones as well; where
    that fails or mixes them, it gets one picture a run.

    Parameters
    ----------
    specs : what the network takes

    Raises
    ------
    ArtifactError
        It does not take pictures (N, 3, 112, 112) of float32, or gives no features (N, 512).
    BackendError
        It cannot be run.
    """
    name, spec = _image_input(specs)
    count = spec.shape[0]
    fixed = count > 0
    noise = np.random.default_rng(0).uniform(-1, 1, (max(count, 2), *_IMAGE_SHAPE))
    pictures = noise.astype(np.float32)
    first = pictures[: count if fixed else 1]
    outputs = session.run({name: first})
    wanted = (len(first), FEATURE_DIM)
    found = [key for key, value in outputs.items() if value.shape == wanted]
    if len(found) != 1:
        raise ArtifactError(
            "embedding.plain_output",
            "the network must have exactly one output of shape ({count}, {dim}) for {count} "
            "pictures; this one gives {shapes}",
            count=len(first),
            dim=FEATURE_DIM,
            shapes=", ".join(f"{key} {value.shape}" for key, value in outputs.items()) or "nothing",
        )
    if fixed:
        return Plan(name, found[0], count, fixed=True)
    single = Plan(name, found[0], 1, fixed=True)
    together = Plan(name, found[0], 2, fixed=True)
    try:
        lowest = _lowest_cosine(_run(session, single, pictures), _run(session, together, pictures))
    except BackendError:
        return single
    # the comparison also catches NaN
    return Plan(name, found[0], MAX_BATCH, fixed=False) if lowest > _SAME_COSINE else single


def _image_input(specs: Mapping[str, InputSpec]) -> tuple[str, InputSpec]:
    if len(specs) == 1:
        name, spec = next(iter(specs.items()))
        sizes = zip(spec.shape[1:], _IMAGE_SHAPE, strict=False)
        fits = len(spec.shape) == 4 and all(size in (-1, wanted) for size, wanted in sizes)
        if fits and spec.shape[0] != 0 and spec.dtype == "float32":
            return name, spec
    raise ArtifactError(
        "embedding.plain_input",
        "the network must have one input of float32 (N, 3, {side}, {side}), channels first; "
        "this one takes {found} (-1: any size)",
        side=CROP_SIDE_PX,
        found=", ".join(f"{spec.name} {spec.dtype} {spec.shape}" for spec in specs.values())
        or "nothing",
    )


def _run(session: Session, plan: Plan, images: NDArray[np.float32]) -> NDArray[np.float32]:
    raw = np.empty((len(images), FEATURE_DIM), np.float32)
    for start in range(0, len(images), plan.batch):
        part = images[start : start + plan.batch]
        count = len(part)
        if plan.fixed and count < plan.batch:
            part = np.concatenate([part, np.zeros((plan.batch - count, *_IMAGE_SHAPE), np.float32)])
        features = session.run({plan.input_name: part})[plan.output_name]
        if features.shape != (len(part), FEATURE_DIM):
            raise BackendError(
                "embedding.plain_shape",
                "the network gave features of shape {got} for {count} pictures",
                got=features.shape,
                count=len(part),
            )
        raw[start : start + count] = features[:count]
    return raw


def _lowest_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return float(cosines.min())
