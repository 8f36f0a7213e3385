"""From bytes to pixels to aligned faces to network input, and graded degradations."""

from ood_face.imaging.align import align, align_face
from ood_face.imaging.decode import decode
from ood_face.imaging.encode import encode_png
from ood_face.imaging.faults import PictureFault, picture_faults
from ood_face.imaging.preprocess import preprocess

__all__ = [
    "PictureFault",
    "align",
    "align_face",
    "decode",
    "encode_png",
    "picture_faults",
    "preprocess",
]
