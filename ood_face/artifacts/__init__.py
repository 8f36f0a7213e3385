"""The weights folder: ``manifest.toml`` says which models lie in it, and what each file hashes to.

::

    default_model = "rts-..."
    [models.mtcnn]
    kind = "detector"
    version = "1"
    license = "MIT"
    source = "where the weights come from"
    input_side_px = 112          # any further key is kept in ``ModelEntry.extra``
    [models.mtcnn.files]
    "mtcnn/pnet.json" = "<sha256>"
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ood_face.artifacts.toml_file import write_toml
from ood_face.errors import ArtifactError, ChecksumError, WeightsMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "MANIFEST_NAME",
    "PROBABILITY_FILE",
    "RANGES_KEY",
    "Manifest",
    "ModelEntry",
    "sha256_of",
    "verified_path",
    "verify",
    "write_entry",
    "write_toml",
]

MANIFEST_NAME = "manifest.toml"
PROBABILITY_FILE = "probability.toml"  # in a model's folder: what makes P(same)
# of a model: how far what each step of its backbone gives reaches, for int8
RANGES_KEY = "int8_ranges"
KINDS = ("detector", "embedder")
_NAMED_KEYS = ("kind", "version", "license", "source", "files")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the manifest.

    Attributes
    ----------
    name : key of the model, unique in the manifest
    kind : ``detector`` or ``embedder``
    files : path relative to ``weights_dir`` -> sha256 in hexadecimal
    license, source : where the weights come from, and under which terms
    extra : every further key of the table
    """

    name: str
    kind: str
    version: str
    files: Mapping[str, str]
    weights_dir: Path
    license: str = ""
    source: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ArtifactError(
                "artifacts.kind",
                "model {model}: kind is {kind}, it must be one of {kinds}",
                model=self.name,
                kind=repr(self.kind),
                kinds=", ".join(KINDS),
            )
        for filename in self.files:
            _inside(self.weights_dir, filename)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.toml`` says; ``default_model`` is the embedder used when none is named."""

    weights_dir: Path
    models: Mapping[str, ModelEntry]
    default_model: str | None = None

    @classmethod
    def load(cls, weights_dir: Path) -> Manifest:
        """Read the manifest; the files it names are not touched yet.

        Raises
        ------
        WeightsMissingError
            There is no ``manifest.toml`` in the folder.
        ArtifactError
            It is not valid, or a path in it leaves the folder.
        """
        document = _read(weights_dir / MANIFEST_NAME)
        tables = document.get("models", {})
        models = {name: _entry(name, table, weights_dir) for name, table in tables.items()}
        return cls(weights_dir, models, document.get("default_model"))

    def model(self, name: str) -> ModelEntry:
        """Return the entry of a model; WeightsMissingError where the manifest names none such."""
        try:
            return self.models[name]
        except KeyError as exc:
            raise WeightsMissingError(
                "artifacts.unknown_model",
                "the manifest names no model {model}; it has: {known}",
                model=name,
                known=", ".join(sorted(self.models)) or "none",
            ) from exc

    def chosen(self, name: str | None) -> ModelEntry:
        """Return the entry of a model; None: of the default one.

        Raises
        ------
        ArtifactError
            None is named, and there is no default; WeightsMissingError: see :meth:`model`.
        """
        wanted = self.default_model if name is None else name
        if wanted is None:
            raise ArtifactError("artifacts.no_default", "the manifest names no default_model")
        return self.model(wanted)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal; WeightsMissingError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise WeightsMissingError(
            "artifacts.missing_file",
            "the weights file {file} cannot be read: {reason}",
            file=str(path),
            reason=exc.strerror or str(exc),
        ) from exc


def verify(entry: ModelEntry) -> None:
    """Hash every file of a model; raises what :func:`verified_path` raises."""
    for filename in entry.files:
        verified_path(entry, filename)


def verified_path(entry: ModelEntry, filename: str) -> Path:
    """Return the path of one file of a model, named as in the manifest, after hashing it.

    Raises
    ------
    WeightsMissingError
        The model lists no such file, or it is not there.
    ChecksumError
        The file differs from what the manifest says.
    """
    expected = entry.files.get(filename)
    if expected is None:
        raise WeightsMissingError(
            "artifacts.unlisted_file",
            "model {model} lists no file {file}",
            model=entry.name,
            file=filename,
        )
    path = _inside(entry.weights_dir, filename)
    found = sha256_of(path)
    if found != expected:
        raise ChecksumError(
            "artifacts.checksum",
            "{file}: the manifest says sha256 {expected}, the file has {found}",
            file=str(path),
            expected=expected,
            found=found,
        )
    return path


def write_entry(
    weights_dir: Path,
    name: str,
    filenames: Iterable[str],
    keys: Mapping[str, Any],
    *,
    make_default: bool = False,
) -> ModelEntry:
    """Add or replace one model in the manifest: hash its files, then rewrite in one step.

    Comments in the manifest are not kept. A reader sees the old manifest or the new one, never
    a part of one; two writers at once must take turns.

    Parameters
    ----------
    weights_dir : folder of the manifest; a missing manifest is created
    filenames : the model's files, relative to the folder; each must be there
    keys : ``kind``, ``version``, ``license``, ``source`` and any further key with a TOML value
    make_default : also write ``default_model``

    Raises
    ------
    ArtifactError
        The entry or the existing manifest is not valid, or a file cannot be read.
    """
    manifest = weights_dir / MANIFEST_NAME
    document = _read(manifest) if manifest.exists() else {}
    files = {file: sha256_of(_inside(weights_dir, file)) for file in sorted(filenames)}
    table = {**keys, "files": files}
    entry = _entry(name, table, weights_dir)
    document.setdefault("models", {})[name] = table
    if make_default:
        document["default_model"] = name
    write_toml(manifest, document)
    return entry


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise WeightsMissingError(
            "artifacts.no_manifest",
            "{file} cannot be read: {reason}",
            file=str(path),
            reason=exc.strerror or str(exc),
        ) from exc
    except (ValueError, RecursionError) as exc:  # no TOML, no UTF-8, or nested too deeply
        raise ArtifactError(
            "artifacts.bad_manifest",
            "{file} is no valid manifest: {reason}",
            file=str(path),
            reason=str(exc),
        ) from exc


def _entry(name: str, table: object, weights_dir: Path) -> ModelEntry:
    files = table.get("files") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(files, dict):
        raise ArtifactError(
            "artifacts.bad_entry",
            "the manifest's models.{model} must be a table with a table files in it",
            model=name,
        )
    return ModelEntry(
        name=name,
        kind=str(table.get("kind", "")),
        version=str(table.get("version", "")),
        files={str(path): str(digest) for path, digest in files.items()},
        weights_dir=weights_dir,
        license=str(table.get("license", "")),
        source=str(table.get("source", "")),
        extra={key: value for key, value in table.items() if key not in _NAMED_KEYS},
    )


def _inside(weights_dir: Path, filename: str) -> Path:
    root = weights_dir.resolve()
    path = (root / filename).resolve()
    if not path.is_relative_to(root) or path == root:
        raise ArtifactError(
            "artifacts.path_escapes",
            "the path {file} leaves the weights folder {folder}",
            file=repr(filename),
            folder=str(root),
        )
    return path
