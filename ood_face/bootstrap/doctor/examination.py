"""All checks, one after the other."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ood_face.bootstrap.doctor.clock import check_clock
from ood_face.bootstrap.doctor.findings import State, failed, ok, problem
from ood_face.bootstrap.doctor.folders import check_folders
from ood_face.bootstrap.doctor.installed import check_installed, check_native, check_weights
from ood_face.bootstrap.doctor.machine import check_machine
from ood_face.bootstrap.doctor.network import check_keys, check_port
from ood_face.bootstrap.doctor.policies import check_policies_files, check_score
from ood_face.bootstrap.doctor.settings import check_settings, settings_or_defaults
from ood_face.bootstrap.doctor.stored import (
    check_databases,
    check_drift,
    check_galleries,
    owner_process,
)
from ood_face.bootstrap.doctor.supervisor import check_supervisor
from ood_face.bootstrap.models import open_service
from ood_face.errors import OodFaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ood_face.bootstrap.doctor.findings import Finding
    from ood_face.config import Settings

__all__ = ["Diagnosis", "examine"]

# what an extra brings, and the setting that asks for it
_EXTRAS = (("facenet_pytorch", "facenet"), ("pymilvus", "milvus"))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found.

    Attributes
    ----------
    findings : in the order of the checks
    seconds : how long it took
    """

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def state(self) -> State:
        """The worst of the states."""
        states = {finding.state for finding in self.findings}
        return next((one for one in (State.PROBLEM, State.WARNING) if one in states), State.OK)


def examine(*, models: bool = False) -> Diagnosis:
    """Run every check.

    Parameters
    ----------
    models : also load the networks, and run them once

    Raises
    ------
    ConfigError
        The settings contradict each other.
    """
    start = time.perf_counter()
    settings, errors = settings_or_defaults()
    findings = _guarded("settings", lambda: check_settings(errors)) + _all(settings)
    if models:
        findings.append(_models(settings))
    return Diagnosis(tuple(findings), time.perf_counter() - start)


def _all(settings: Settings) -> list[Finding]:
    model_id, weights = check_weights(settings)
    templates = 0
    running = False

    def galleries() -> list[Finding]:
        nonlocal templates, running
        templates, found = check_galleries(settings, model_id)
        running = owner_process(settings.data_dir) is not None
        return found

    kept = _guarded("galleries", galleries)
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "packages": lambda: (*check_installed(), *_extras(settings)),
        "native": lambda: (check_native(),),
        "weights": lambda: (weights,),
        "score": lambda: check_score(settings, model_id),
        "scenarios": lambda: check_policies_files(settings, model_id),
        "cpu": lambda: check_machine(settings, templates, running=running),
        "data": lambda: check_folders(settings),
        "galleries": lambda: kept,
        "databases": lambda: check_databases(settings),
        "keys": lambda: (check_keys(settings),),
        "port": lambda: (check_port(settings),),
        "supervisor": check_supervisor,
        "clock": lambda: (check_clock(settings),),
        "drift": lambda: (check_drift(settings),),
    }
    return [found for name, check in checks.items() for found in _guarded(name, check)]


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    # what may not even be looked at is a finding, and ends no other check
    found: list[Finding] = []
    try:
        found.extend(check())
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        found.append(problem(name, "forbidden", file=str(exc.filename or "?"), reason=reason))
    return found


def _extras(settings: Settings) -> Iterator[Finding]:
    wanted = {
        "facenet": settings.detector == "facenet-pytorch",
        "milvus": settings.milvus_uri is not None,
    }
    for module, extra in _EXTRAS:
        if wanted[extra] and importlib.util.find_spec(module) is None:
            yield problem("packages", "packages_extra", package=module, extra=extra)


def _models(settings: Settings) -> Finding:
    start = time.perf_counter()
    try:
        open_service(settings.model_copy(update={"workers": 1})).self_test()
    except OodFaceError as exc:
        return failed("models", "models_failed", exc)
    return ok("models", "models_sound", seconds=time.perf_counter() - start)
