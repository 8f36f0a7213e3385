"""Find faces: the MTCNN cascade, and the optional facenet-pytorch adapter."""

from ood_face.detection.mtcnn import MtcnnDetector, MtcnnSettings, open_mtcnn

__all__ = ["MtcnnDetector", "MtcnnSettings", "open_mtcnn"]
