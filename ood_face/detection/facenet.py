"""The optional detector: facenet-pytorch's own MTCNN, on PyTorch (extra ``facenet``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ood_face.detection.settings import MtcnnSettings, check_image, chosen_faces, scaled_down
from ood_face.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ood_face.types import DetectedFace, RgbImage

__all__ = ["FacenetDetector", "open_facenet"]


class _Mtcnn(Protocol):
    def detect(self, img: RgbImage, *, landmarks: bool) -> tuple[Any, Any, Any]: ...


class FacenetDetector:
    """See :class:`ood_face.ports.Detector`.

    Parameters
    ----------
    build : returns facenet-pytorch's ``MTCNN`` for a smallest face in pixels
    settings : what to look for; None: the defaults
    """

    def __init__(
        self, build: Callable[[float], _Mtcnn], settings: MtcnnSettings | None = None
    ) -> None:
        self._settings = MtcnnSettings() if settings is None else settings
        self._build = build

    @property
    def settings(self) -> MtcnnSettings:
        """What the detector looks for."""
        return self._settings

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of one picture, largest box first; empty where there is none.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB

        Raises
        ------
        InputError
            The picture is no such array.
        BackendError
            PyTorch failed.
        """
        check_image(image)
        seen, ratio = scaled_down(image, self._settings.max_side_px)
        min_face_px = self._settings.min_face_seen_px(image, ratio)
        if min(seen.shape[:2]) < min_face_px:
            return []  # facenet-pytorch fails on a picture without a single window
        try:
            boxes, probabilities, landmarks = self._build(min_face_px).detect(seen, landmarks=True)
        except (RuntimeError, ValueError, LookupError) as exc:
            raise BackendError(
                "detection.facenet_failed", "facenet-pytorch failed: {reason}", reason=str(exc)
            ) from exc
        if boxes is None:
            return []
        return chosen_faces(
            np.asarray(boxes, dtype=np.float32),
            np.asarray(probabilities, dtype=np.float32),
            np.asarray(landmarks, dtype=np.float32),
            ratio,
            self._settings,
        )


def open_facenet(*, settings: MtcnnSettings | None = None) -> FacenetDetector:
    """Load facenet-pytorch's detector with its own weights, on the CPU.

    Parameters
    ----------
    settings : what to look for; ``max_candidates`` has no meaning here

    Raises
    ------
    BackendError
        facenet-pytorch is not installed.
    """
    try:
        from facenet_pytorch import MTCNN  # noqa: PLC0415  (an extra)
    except ImportError as exc:
        raise BackendError(
            "detection.no_facenet",
            "the detector facenet-pytorch needs the extra facenet: pip install 'ood-face[facenet]'",
        ) from exc
    chosen = MtcnnSettings() if settings is None else settings
    first = MTCNN(
        keep_all=True, thresholds=list(chosen.thresholds), factor=chosen.factor, device="cpu"
    )

    def build(min_face_px: float) -> _Mtcnn:
        # the same networks with another smallest face: the constructor only reads the weights
        view = MTCNN.__new__(MTCNN)
        view.__dict__.update(first.__dict__, min_face_size=min_face_px)
        return view  # type: ignore[no-any-return]

    return FacenetDetector(build, chosen)
