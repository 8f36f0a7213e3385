"""A new model folder: written aside, tried as the service would open it, then moved in one step."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ood_face.artifacts import MANIFEST_NAME, Manifest, sha256_of, write_entry
from ood_face.embedding import open_embedder
from ood_face.errors import ArtifactError
from ood_face.imaging.arrays import colour_ramps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ood_face.types import QualityScore

__all__ = ["Imported", "NewModel", "new_model"]

NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# digits of the file's sha256 that tell two imports under one name apart
_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Imported:
    """A model that was imported.

    Attributes
    ----------
    name : in the manifest; ``OOD_FACE_MODEL`` selects it
    model_id : written into its templates
    quality_score : what its scores are worth
    details : what the manifest says of it besides
    folder : where its files lie
    """

    name: str
    model_id: str
    quality_score: QualityScore
    details: Mapping[str, Any]
    folder: Path


class NewModel:
    """A model in the making.

    Parameters
    ----------
    weights_dir : folder of the manifest that it will stand in
    name : its name there
    staging : folder of its own manifest, until it is finished
    """

    def __init__(self, weights_dir: Path, name: str, staging: Path) -> None:
        self._weights_dir = weights_dir
        self._name = name
        self._staging = staging
        self.folder = staging / name

    def finish(self, source: Path, details: Mapping[str, Any]) -> Imported:
        """Try the model as the service would, then make it part of the weights folder.

        Parameters
        ----------
        source : the file it came from
        details : further keys of the manifest

        Raises
        ------
        ArtifactError, BackendError
            It does not work; the weights folder is as it was.
        """
        digest = sha256_of(source)
        keys = {
            "kind": "embedder",
            "version": digest[:_VERSION_DIGITS],
            "license": "the terms of whoever published the file; not known here",
            "source": f"imported from {_printable(source.name)}, sha256 {digest}",
            **details,
        }
        files = [path.name for path in self.folder.iterdir()]
        names = [f"{self._name}/{file}" for file in files]
        write_entry(self._staging, self._name, names, keys)
        # float32: what is tried is the network, not the processor's number formats
        embedder = open_embedder(Manifest.load(self._staging), self._name, precision="float32")
        embedder.embed(colour_ramps()[None])
        target = self._weights_dir / self._name
        for file in files:
            (self.folder / file).chmod(0o644)
        self.folder.chmod(0o755)
        self.folder.rename(target)
        try:
            write_entry(self._weights_dir, self._name, names, keys)
        except (ArtifactError, OSError):
            shutil.rmtree(target, ignore_errors=True)
            raise
        return Imported(
            self._name, embedder.model_id, embedder.quality_score, dict(details), target
        )


@contextmanager
def new_model(weights_dir: Path, name: str) -> Iterator[NewModel]:
    """Give a place to write a model's files to; what is not finished vanishes.

    Raises
    ------
    ArtifactError
        The name is not allowed or taken, or the weights folder cannot be written.
    """
    if NAME_FORM.fullmatch(name) is None:
        raise ArtifactError(
            "import.name",
            "{name} is no name for a model: up to 64 letters, digits, dots, hyphens and "
            "underscores, a letter or digit first",
            name=repr(name[:80]),
        )
    manifest = weights_dir / MANIFEST_NAME
    taken = manifest.exists() and name in Manifest.load(weights_dir).models
    if taken or (weights_dir / name).exists():
        raise ArtifactError(
            "import.exists",
            "there is a model or folder {name} in {folder} already; choose another name with "
            "--name",
            name=name,
            folder=str(weights_dir),
        )
    try:
        weights_dir.mkdir(parents=True, exist_ok=True)
        # in the weights folder: moving within one file system is one step
        with tempfile.TemporaryDirectory(prefix=".import-", dir=weights_dir) as staging:
            made = NewModel(weights_dir, name, Path(staging))
            made.folder.mkdir()
            yield made
    except OSError as exc:
        raise ArtifactError(
            "import.unwritable",
            "{folder} cannot be written: {reason}",
            folder=str(weights_dir),
            reason=exc.strerror or str(exc),
        ) from exc


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8")
