"""From bytes to pixels to aligned faces to network input, and graded degradations."""

from ood_face.imaging.align import align, align_face
from ood_face.imaging.decode import decode
from ood_face.imaging.encode import encode_png
from ood_face.imaging.preprocess import preprocess

__all__ = ["align", "align_face", "decode", "encode_png", "preprocess"]
