"""Find faces: the MTCNN cascade, and the optional facenet-pytorch adapter."""

from ood_face.detection.facenet import FacenetDetector, open_facenet
from ood_face.detection.mtcnn import MtcnnDetector, open_mtcnn
from ood_face.detection.settings import MtcnnSettings

__all__ = ["FacenetDetector", "MtcnnDetector", "MtcnnSettings", "open_facenet", "open_mtcnn"]
