"""The model and the detector under test, as an evaluation measures with them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.artifacts import PROBABILITY_FILE, Manifest
from ood_face.bootstrap import open_rts_embedder, open_service
from ood_face.errors import InputError
from ood_face.evaluation.instruments import Instruments
from ood_face.evaluation.pictures import PictureReader, already_aligned
from ood_face.evaluation.report import costs_ms
from ood_face.evaluation.samples import measure_all
from ood_face.evaluation.store import Kept, MeasurementStore
from ood_face.imaging import align_face
from ood_face.types import CROP_SIDE_PX, QualityScore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ood_face.artifacts import ModelEntry
    from ood_face.config import Settings
    from ood_face.evaluation.instruments import Progress
    from ood_face.types import DetectedFace, RgbImage, SameModel

    Crops = NDArray[np.uint8]

__all__ = ["Bench"]

# part of every key in the cache: raised where a measurement changes its meaning
MEASUREMENTS = 1
# an aligned crop is all face: the detector, trained on heads in pictures, wants some room around
MARGIN_PX = 56
GREY = 128


class Bench:
    """Opens the networks, and keeps what they say on disk.

    Parameters
    ----------
    settings : model and detector
    cache : folder for what was measured
    passes : of Monte Carlo dropout
    progress : told how it gets on
    with_probability : also load what makes P(same): no file of it is needed to fit a new one
    """

    def __init__(
        self,
        settings: Settings,
        cache: Path,
        passes: int,
        progress: Progress,
        *,
        with_probability: bool = True,
    ) -> None:
        manifest = Manifest.load(settings.weights_dir)
        self.entry = manifest.chosen(settings.model)
        self._settings, self._passes, self._progress = settings, passes, progress
        # every face the networks propose; how probable it must be is decided below
        everything = settings.model_copy(update={"min_probability": 0.0, "max_faces": 1000})
        self._service = (
            open_service(everything)
            if with_probability
            else open_service(everything, with_probability=False)
        )
        self._scored = self._service.quality_score is not QualityScore.NONE
        self._embedder: Any = open_rts_embedder(settings) if self._scored else None
        seen = (settings.min_face_px, settings.min_face_share, settings.detection_max_side_px)
        detector = f"{settings.detector} {_digest(manifest.models.get('mtcnn'))} {seen}"
        model = f"{_digest(self.entry)} {settings.precision}"
        limit = settings.min_probability
        self.pictures = MeasurementStore(cache / "pictures", f"{MEASUREMENTS} {detector} {limit}")
        self._kept = MeasurementStore(cache / "measured", f"{MEASUREMENTS} {model}")
        self._detected = MeasurementStore(cache / "measured", f"{MEASUREMENTS} {detector}")

    @property
    def model_id(self) -> str:
        """Name and version of the model."""
        return self._service.model_id

    @property
    def quality_score(self) -> QualityScore:
        """What its score is worth."""
        return self._service.quality_score

    @property
    def same_model(self) -> SameModel | None:
        """What makes P(same); None: the model has no such calibration."""
        return self._service.same_model

    def has_face(self, image: RgbImage) -> bool:
        """Whether the service would find a face."""
        return self._largest(image) is not None

    def crop_of(self, image: RgbImage) -> Crops | None:
        """Return the largest face, aligned; None where there is none."""
        face = self._largest(image)
        try:
            return None if face is None else align_face(image, face).crop
        except InputError:  # landmarks that fit no face
            return None

    def reader(self, *, aligned: bool) -> PictureReader:
        """Return what turns pictures into crops, each kept on disk.

        Parameters
        ----------
        aligned : the pictures are aligned faces already
        """
        make, how = (already_aligned, "aligned") if aligned else (self.crop_of, "found")
        return PictureReader(make, how, self.pictures, self._progress)

    def measured(self, crops: Crops) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return features (N, 512) of crops and their scores (N,); None: the model gives none."""
        instruments = self.instruments()
        self._progress.begin("features of all faces", len(crops))
        features, _, variances = measure_all(instruments.measure, crops)
        return features, None if instruments.curve is None else instruments.curve(variances)

    def instruments(self) -> Instruments:
        """Return the measurements, each kept on disk."""
        advance = self._progress.advance
        measured = Kept("measure", self._measure, self._kept, advance)
        doubts = Kept(f"doubts {self._passes}", self._doubts, self._kept, advance)
        detector = Kept(f"detector {MARGIN_PX}", self._detect, self._detected, advance)

        def measure(crops: Crops) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            found = measured(crops)
            return found["feature"], found["variance"]

        return Instruments(
            measure,
            self._embedder.curve if self._scored else None,
            doubts if self._has_dropout() else None,
            detector,
            self._progress,
        )

    def costs_ms(self) -> dict[str, float]:
        """Return the milliseconds a face of each measurement, one face at a time."""
        measures: dict[str, Callable[[Crops], object]] = {
            "ood_score": self._measure,
            "detector_probability": self._detect,
        }
        if self._has_dropout():
            measures["mc_dropout_variance"] = self._doubts
        return costs_ms(measures, np.full((CROP_SIDE_PX, CROP_SIDE_PX, 3), 128, np.uint8))

    def _largest(self, image: RgbImage) -> DetectedFace | None:
        least = self._settings.min_probability
        return next((f for f in self._service.detect(image) if f.probability >= least), None)

    def _measure(self, crops: Crops) -> dict[str, NDArray[np.float32]]:
        if not self._scored:
            features = self._service.embed_crops(crops)[0]
            return {"feature": features, "variance": np.full(len(crops), np.nan, np.float32)}
        feature, variance = self._embedder.measure(crops)
        return {"feature": feature, "variance": variance}

    def _doubts(self, crops: Crops) -> dict[str, NDArray[np.float32]]:
        found = self._embedder.uncertainty(crops, self._passes)
        named = {
            "mc_dropout_variance": found.feature_spread,
            "entropy": found.entropy,
            "one_minus_max_probability": found.one_minus_max_probability,
        }
        return {name: values for name, values in named.items() if values is not None}

    def _detect(self, crops: Crops) -> dict[str, NDArray[np.float32]]:
        side, inside = CROP_SIDE_PX + 2 * MARGIN_PX, slice(MARGIN_PX, MARGIN_PX + CROP_SIDE_PX)
        best = []
        for crop in crops:
            padded = np.full((side, side, 3), GREY, np.uint8)
            padded[inside, inside] = crop
            faces = self._service.detect(padded)
            best.append(max((face.probability for face in faces), default=0.0))
        return {"probability": np.array(best, np.float32)}

    def _has_dropout(self) -> bool:
        if not self._scored:
            return False
        try:
            self._doubts(np.zeros((1, CROP_SIDE_PX, CROP_SIDE_PX, 3), np.uint8))
        except InputError as exc:
            if exc.key == "uncertainty.passes":
                raise
            return False
        return True


def _digest(entry: ModelEntry | None) -> str:
    # what makes P(same) is fitted on measurements and changes none
    files = (
        {}
        if entry is None
        else {
            file: digest
            for file, digest in entry.files.items()
            if not file.endswith(PROBABILITY_FILE)
        }
    )
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
