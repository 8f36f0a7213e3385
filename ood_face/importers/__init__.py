"""Importers: networks trained elsewhere become model folders of the manifest."""

from ood_face.importers.folder import Imported
from ood_face.importers.modelscope import import_modelscope
from ood_face.importers.onnx_file import import_onnx

__all__ = ["Imported", "import_modelscope", "import_onnx"]
