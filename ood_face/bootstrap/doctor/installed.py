"""What is installed: Python, packages, the compiled library, weights."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from ood_face import native
from ood_face.artifacts import Manifest, verify
from ood_face.bootstrap.doctor.findings import failed, ok, problem, warning
from ood_face.config import PROJECT_ROOT
from ood_face.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["LOCK", "PYTHONS", "check_installed", "check_native", "check_weights"]

# from the first to before the second: as pyproject.toml says
PYTHONS = ((3, 11), (3, 14))
LOCK = PROJECT_ROOT / "deploy" / "locks" / "serve.lock"
# the marker, where there is one, says for which machines the package is
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)( ;)?", re.MULTILINE)
_SHOWN = 5


def check_installed(lock: Path = LOCK) -> Iterator[Finding]:
    """Compare Python and the packages with what the project was tested with."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    first, beyond = (".".join(str(part) for part in one) for one in PYTHONS)
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield ok("python", "python_sound", version=version)
    else:
        yield problem("python", "python_other", version=version, first=first, beyond=beyond)
    yield _packages(lock)


def _packages(lock: Path) -> Finding:
    try:
        pinned = _PINNED.findall(lock.read_text(encoding="utf-8"))
    except OSError:
        return ok("packages", "packages_no_lock", file=str(lock))
    other, missing = [], []
    for name, version, marker in pinned:
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not marker:
                missing.append(name)
            continue
        if installed != version:
            other.append(f"{name} {installed} ({version})")
    if missing:
        return problem("packages", "packages_missing", count=len(missing), names=_some(missing))
    if other:
        return warning("packages", "packages_other", count=len(other), names=_some(other))
    return ok("packages", "packages_sound", count=len(pinned))


def check_native() -> Finding:
    """Load the library that is compiled when the package is installed.

    The server does without it, more slowly.
    """
    path = native.library_path()
    if not path.is_file():
        return warning("native", "native_missing", folder=str(path.parent))
    try:
        native.library()
    except native.NativeMissingError as exc:
        return warning("native", "native_unusable", folder=str(path.parent), reason=str(exc))
    return ok("native", "native_sound", file=str(path))


def check_weights(settings: Settings) -> tuple[str | None, Finding]:
    """Hash every file of the manifest; return the id of the model in use, too, None: there is none.

    Only what the server loads is a problem: another model's file that is broken is a warning.
    """
    try:
        manifest = Manifest.load(settings.weights_dir)
        chosen = manifest.chosen(settings.model)
    except ArtifactError as exc:
        return None, failed("weights", "weights_no_manifest", exc)
    broken: tuple[str, ArtifactError] | None = None
    files = 0
    for name, entry in manifest.models.items():
        try:
            verify(entry)
        except ArtifactError as exc:
            if name == chosen.name or entry.kind == "detector":
                return None, failed("weights", "weights_broken", exc, model=name)
            broken = name, exc
        files += len(entry.files)
    model_id = f"{chosen.name}@{chosen.version}"
    if broken is not None:
        name, error = broken
        sentence = warning("weights", "weights_other_broken", model=name, problem=str(error))
        return model_id, sentence
    return model_id, ok("weights", "weights_sound", files=files, model=model_id)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
