"""From settings to what finds, embeds and compares faces."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from ood_face.artifacts import Manifest
from ood_face.bootstrap.policies import read_policies
from ood_face.bootstrap.reading import open_scenarios, read_settings
from ood_face.errors import ArtifactError
from ood_face.imaging import align_face
from ood_face.service import FaceService, Flagger, ReviewedFaceService

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.config import Settings
    from ood_face.embedding import RtsEmbedder
    from ood_face.ports import Detector, ReviewQueue
    from ood_face.types import DetectedFace, RgbImage

__all__ = ["open_rts_embedder", "open_service"]

_logger = logging.getLogger(__name__)


def open_service(
    settings: Settings | None = None,
    review: ReviewQueue | None = None,
    *,
    with_probability: bool = True,
) -> FaceService:
    """Load the models and return a service that is ready to work.

    Every file of a model is hashed and compared with the manifest before it is loaded.

    Parameters
    ----------
    settings : what to load and how many at once; None: from the environment
    review : takes doubtful comparisons in; None: nobody reviews them
    with_probability : also load what makes P(same), where it is there

    Raises
    ------
    ArtifactError
        A file in the weights folder is missing or differs from the manifest.
    ConfigError
        A setting or the scenario file is wrong.
    BackendError
        A network can't be loaded, or the detector asked for is not installed.
    """
    # the engine takes a second to import, and not every command needs it
    from ood_face.embedding import open_embedder  # noqa: PLC0415
    from ood_face.runtime import BoundedAdmission  # noqa: PLC0415

    start = time.perf_counter()
    if settings is None:
        settings = read_settings()
    open_scenarios(settings)  # what is wrong there is told before the networks are loaded
    manifest = Manifest.load(settings.weights_dir)
    embedder = open_embedder(
        manifest,
        settings.model,
        workers=settings.workers,
        threads=settings.threads_per_worker,
        precision=settings.precision,
        engine=settings.engine,
    )
    made: Callable[..., FaceService] = FaceService
    if review is not None:
        made = partial(ReviewedFaceService, Flagger(review, settings.review_uncertain_above))
    service = made(
        _open_detector(settings, manifest),
        embedder,
        read_policies(settings, embedder.model_id, with_probability=with_probability),
        BoundedAdmission(settings.workers, settings.queue_size, settings.queue_timeout_s),
        _align,
        dominant_face_ratio=settings.dominant_face_ratio,
    )
    ms = 1000 * (time.perf_counter() - start)
    _logger.info("loaded %s, detector %s, %.0f ms", service.model_id, settings.detector, ms)
    return service


def open_rts_embedder(settings: Settings) -> RtsEmbedder:
    """Open the embedding model alone, with its raw numbers: what an evaluation needs.

    Raises
    ------
    ArtifactError
        A file of the model is missing or differs from the manifest, or it is no RTS model.
    """
    from ood_face.embedding import RtsEmbedder, open_embedder  # noqa: PLC0415

    manifest = Manifest.load(settings.weights_dir)
    embedder = open_embedder(
        manifest,
        settings.model,
        workers=1,
        threads=settings.threads_per_worker,
        precision=settings.precision,
        engine=settings.engine,
    )
    if not isinstance(embedder, RtsEmbedder):
        raise ArtifactError(
            "embedding.no_rts",
            "model {model} gives no variance and no quality score, which are needed here",
            model=embedder.model_id,
        )
    return embedder


def _open_detector(settings: Settings, manifest: Manifest) -> Detector:
    from ood_face.detection import MtcnnSettings, open_facenet, open_mtcnn  # noqa: PLC0415

    sought = MtcnnSettings(
        min_face_px=settings.min_face_px,
        min_face_share=settings.min_face_share,
        max_side_px=settings.detection_max_side_px,
        min_probability=settings.min_probability,
        max_faces=settings.max_faces,
    )
    if settings.detector == "facenet-pytorch":
        return open_facenet(settings=sought)
    return open_mtcnn(
        manifest,
        workers=settings.workers,
        threads=settings.threads_per_worker,
        settings=sought,
        precision=settings.precision,
        engine=settings.engine,
    )


def _align(image: RgbImage, face: DetectedFace) -> NDArray[np.uint8]:
    return align_face(image, face).crop
