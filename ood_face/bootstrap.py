"""From ``Settings`` to a ``FaceService``: the only place that chooses adapters."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import PROBABILITY_FILE, Manifest, verified_path
from ood_face.config import Settings
from ood_face.errors import ArtifactError, ConfigError
from ood_face.imaging import align_face
from ood_face.matching import load_scenarios
from ood_face.service import FaceService, GalleryRecords, GalleryService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ood_face.access import SqliteAuditLog
    from ood_face.embedding import RtsEmbedder
    from ood_face.matching.copying import CopyReport
    from ood_face.ports import Detector, Gallery, GalleryStore
    from ood_face.types import DetectedFace, RgbImage, SameModel, Scenario

__all__ = [
    "copy_gallery",
    "open_audit",
    "open_galleries",
    "open_gallery_records",
    "open_gallery_store",
    "open_rts_embedder",
    "open_scenarios",
    "open_service",
    "read_settings",
    "save_scenario",
]

_logger = logging.getLogger(__name__)


def open_service(settings: Settings | None = None) -> FaceService:
    """Load the models and return a service that is ready to work.

    Every file of a model is hashed and compared with the manifest before it is loaded.

    Parameters
    ----------
    settings : what to load and how many at once; None: from the environment

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
    scenarios = open_scenarios(settings)
    manifest = Manifest.load(settings.weights_dir)
    embedder = open_embedder(
        manifest,
        settings.model,
        workers=settings.workers,
        threads=settings.threads_per_worker,
        precision=settings.precision,
    )
    service = FaceService(
        _open_detector(settings, manifest),
        embedder,
        scenarios,
        BoundedAdmission(settings.workers, settings.queue_size, settings.queue_timeout_s),
        _align,
        dominant_face_ratio=settings.dominant_face_ratio,
        same_model=_open_same_model(settings, manifest, embedder.model_id),
    )
    ms = 1000 * (time.perf_counter() - start)
    _logger.info("loaded %s, detector %s, %.0f ms", service.model_id, settings.detector, ms)
    return service


def open_galleries(settings: Settings, faces: FaceService) -> GalleryService:
    """Open the galleries of the settings over a service that embeds their faces.

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    """
    return GalleryService(faces, *_open_store_and_audit(settings))


def open_gallery_records(settings: Settings) -> GalleryRecords:
    """Open the galleries of the settings to look at and to erase, without loading any model.

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    """
    return GalleryRecords(*_open_store_and_audit(settings))


def open_gallery_store(settings: Settings) -> GalleryStore:
    """Open what keeps the galleries, without loading any model.

    Raises
    ------
    StorageLockedError
        Another process has the data folder.
    StorageError
        It cannot be used, or a file in it is damaged.
    BackendError
        Milvus cannot be reached, or its client is not installed.
    """
    if settings.milvus_uri is not None:
        from ood_face.matching.milvus import MilvusGalleryStore  # noqa: PLC0415

        token = settings.milvus_token
        return MilvusGalleryStore(
            settings.milvus_uri, None if token is None else token.get_secret_value()
        )
    from ood_face.matching.sqlite import SqliteGalleryStore  # noqa: PLC0415

    return SqliteGalleryStore(settings.data_dir, settings.compress_above)


def open_audit(settings: Settings) -> SqliteAuditLog:
    """Open the audit log, which several processes may write."""
    from ood_face.access import SqliteAuditLog  # noqa: PLC0415

    return SqliteAuditLog(settings.data_dir, settings.audit_days)


def copy_gallery(
    source: Gallery, target_store: GalleryStore, name: str, on_progress: Callable[[int], None]
) -> CopyReport:
    """Copy a gallery into a store of any kind; see :func:`ood_face.matching.copying.copy_gallery`.

    Raises
    ------
    GalleryError
        What is there already is no part of the source, or the copy differs from it.
    """
    from ood_face.matching import copying  # noqa: PLC0415

    return copying.copy_gallery(source, target_store, name, on_progress)


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
    )
    if not isinstance(embedder, RtsEmbedder):
        raise ArtifactError(
            "embedding.no_rts",
            "model {model} gives no variance and no quality score, which are needed here",
            model=embedder.model_id,
        )
    return embedder


def open_scenarios(settings: Settings) -> Mapping[str, Scenario]:
    """Return the scenarios by name, without loading any model.

    Raises
    ------
    ConfigError
        The scenario file is wrong.
    """
    return load_scenarios(settings.scenarios_file)


def save_scenario(path: Path, scenario: Scenario) -> None:
    """Add a scenario to a file; see :func:`ood_face.matching.scenarios.add_scenario`.

    Raises
    ------
    ConfigError
        The file has a scenario of this name, or is wrong.
    StorageError
        It can't be written; it is as it was.
    """
    from ood_face.matching.scenarios import add_scenario  # noqa: PLC0415

    add_scenario(path, scenario)


def _open_store_and_audit(settings: Settings) -> tuple[GalleryStore, SqliteAuditLog]:
    store = open_gallery_store(settings)
    try:
        return store, open_audit(settings)
    except BaseException:
        store.close()
        raise


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
        manifest, workers=settings.workers, threads=settings.threads_per_worker, settings=sought
    )


def _open_same_model(settings: Settings, manifest: Manifest, model_id: str) -> SameModel | None:
    from ood_face.matching.probability import load_same_model  # noqa: PLC0415

    if settings.probability_file is not None:
        return load_same_model(settings.probability_file, model_id)
    name = model_id.rpartition("@")[0]
    file = f"{name}/{PROBABILITY_FILE}"
    entry = manifest.model(name)
    return load_same_model(verified_path(entry, file), model_id) if file in entry.files else None


def _align(image: RgbImage, face: DetectedFace) -> NDArray[np.uint8]:
    return align_face(image, face).crop


def read_settings(**overrides: object) -> Settings:
    """Return the settings of the environment, some of them replaced.

    Parameters
    ----------
    overrides : values by field name; one that is None is left to the environment

    Raises
    ------
    ConfigError
        A value is wrong; names the setting.
    """
    given: dict[str, Any] = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValueError as exc:
        # pydantic's ValidationError; pydantic itself stays in config
        errors: Any = getattr(exc, "errors", list)()
        name = str(errors[0]["loc"][0]) if errors and errors[0]["loc"] else "?"
        raise ConfigError(
            "settings.invalid",
            "the setting OOD_FACE_{name} is wrong: {problem}",
            name=name.upper(),
            problem=errors[0]["msg"] if errors else str(exc),
        ) from exc
