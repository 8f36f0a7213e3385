"""The MTCNN face detector on our own inference sessions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ood_face.artifacts import verified_path
from ood_face.crew import Crews
from ood_face.detection import cascade
from ood_face.detection.cascade import Network
from ood_face.detection.crop_rnet import open_crop_rnet
from ood_face.detection.exact_rnet import open_exact_rnet
from ood_face.detection.loops import loops
from ood_face.detection.pnet_dots import DotsPnet, open_pnet_dots
from ood_face.detection.rnet_dots import open_rnet_dots
from ood_face.detection.scanning import Scene
from ood_face.detection.settings import MtcnnSettings, check_image, chosen_faces, scaled_down
from ood_face.detection.tile_pnet import open_tile_pnet
from ood_face.detection.windows import open_window_pnet
from ood_face.runtime import Convolution, OneDnnSession, choose_precision, open_session

if TYPE_CHECKING:
    from ood_face.artifacts import Manifest
    from ood_face.crew import Crew
    from ood_face.detection.registers import Layer
    from ood_face.ports import Session
    from ood_face.runtime import Engine, PaddleSession, Precision
    from ood_face.types import DetectedFace, RgbImage

__all__ = ["MtcnnDetector", "open_mtcnn"]


class MtcnnDetector:
    """See :class:`ood_face.ports.Detector`.

    Parameters
    ----------
    pnet, rnet, onet : the three networks, as :mod:`ood_face.detection.convert` writes them
    settings : what to look for; None: the defaults
    crews : the threads that search one picture; None: the caller's alone
    """

    def __init__(
        self,
        pnet: Network,
        rnet: Network,
        onet: Network,
        settings: MtcnnSettings | None = None,
        crews: Crews | None = None,
    ) -> None:
        self._crews = Crews() if crews is None else crews
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._settings = MtcnnSettings() if settings is None else settings

    @property
    def settings(self) -> MtcnnSettings:
        """What the detector looks for."""
        return self._settings

    def detect(self, image: RgbImage) -> list[DetectedFace]:
        """Return the faces of one picture, largest box first; empty where there is none.

        Parameters
        ----------
        image : uint8 array of shape (H, W, 3), RGB

        Returns
        -------
        faces in the pixels of ``image``; a box may reach past the picture's edge

        Raises
        ------
        InputError
            The picture is no such array.
        BackendError
            A network failed.
        """
        check_image(image)
        with self._crews.taken() as crew, crew.gathered():
            return self._found(image, crew)

    def _found(self, image: RgbImage, crew: Crew) -> list[DetectedFace]:
        settings = self._settings
        seen, ratio = scaled_down(image, settings.max_side_px)
        scene = Scene(loops().picture(seen), crew)
        boxes = cascade.propose(
            scene,
            self._pnet,
            min_face_px=settings.min_face_seen_px(image, ratio),
            factor=settings.factor,
            threshold=settings.thresholds[0],
            max_candidates=settings.max_candidates,
        )
        boxes = cascade.refuse(scene, boxes, self._rnet, threshold=settings.thresholds[1])
        found = cascade.refine(scene, boxes, self._onet, threshold=settings.thresholds[2])
        return chosen_faces(*found, ratio, settings)


def open_mtcnn(
    manifest: Manifest,
    *,
    workers: int = 1,
    threads: int = 1,
    settings: MtcnnSettings | None = None,
    precision: Precision = "float32",
    engine: Engine = "auto",
) -> MtcnnDetector:
    """Load the detector that the manifest calls ``mtcnn``.

    Parameters
    ----------
    manifest : of the weights folder
    workers : pictures processed at once
    threads : threads that search one picture
    settings : what to look for; None: the defaults
    precision : other than float32, for a first look, in bfloat16 or integers; what comes out is
        the same within float32's rounding
    engine : see :func:`ood_face.runtime.open_session`

    Raises
    ------
    ArtifactError
        A file is missing or differs from the manifest.
    BackendError
        A network cannot be loaded.
    """
    entry = manifest.model("mtcnn")
    paths = {
        name: [verified_path(entry, f"mtcnn/{name}.{end}") for end in ("json", "pdiparams")]
        for name in ("pnet", "rnet", "onet")
    }
    opened = partial(open_session, workers=workers * threads, threads=1)
    exact = {name: opened(*files, engine=engine) for name, files in paths.items()}
    pnet, rnet, onet = (Network(session) for session in exact.values())
    # Paddle's executor gives no numbers for these networks in bfloat16
    if precision != "float32" and isinstance(exact["pnet"], OneDnnSession):
        of_pnet, of_rnet = (_layers(exact[name]) for name in ("pnet", "rnet"))
        coarse: dict[str, Session | None] = {
            "pnet": open_tile_pnet(of_pnet) or open_pnet_dots(of_pnet),
            "rnet": open_crop_rnet(of_rnet) or open_rnet_dots(of_rnet),
        }
        if choose_precision(precision) == "bfloat16":
            rounded = partial(opened, precision=precision, engine=engine)
            coarse |= {name: coarse.get(name) or rounded(*of) for name, of in paths.items()}
        if coarse["pnet"] is not None:
            in_strips = isinstance(coarse["pnet"], DotsPnet)
            pnet = Network(exact["pnet"], coarse["pnet"], open_window_pnet(of_pnet), in_strips)
            rnet = Network(open_exact_rnet(of_rnet) or exact["rnet"], coarse["rnet"])
            onet = Network(exact["onet"], coarse.get("onet"))
    return MtcnnDetector(pnet, rnet, onet, settings, Crews(threads, workers))


def _layers(session: OneDnnSession | PaddleSession) -> list[Layer]:
    if not isinstance(session, OneDnnSession):
        return []
    return [
        (step.weight, step.bias, step.slopes)
        for step in session.graph.steps
        if isinstance(step, Convolution)
    ]
