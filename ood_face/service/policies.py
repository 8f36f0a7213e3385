"""Which thresholds and which calibration apply, and how they are changed under way."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from ood_face.errors import BackendError, InputError, UnknownScenarioError
from ood_face.matching.decision import compare_templates
from ood_face.matching.probability import same_estimator
from ood_face.service.auditing import noted
from ood_face.types import LOCAL, MODEL_CALIBRATION, AuditAction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ood_face.ports import AuditLog
    from ood_face.service.faces import FaceService
    from ood_face.types import (
        CalibrationFacts,
        Caller,
        Comparison,
        FaceTemplate,
        SameEstimator,
        SameModel,
        Scenario,
    )

__all__ = ["AppliedPolicy", "Policies", "PolicyService", "PolicySource"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class AppliedPolicy:
    """What applies to one request, from its beginning to its end.

    Attributes
    ----------
    scenario : the thresholds
    calibration : the one in force: a name, or ``model``; None: no probabilities
    estimator : makes P(same); None: nothing does
    """

    scenario: Scenario
    calibration: str | None
    estimator: SameEstimator | None

    def compare(
        self, template_a: FaceTemplate, template_b: FaceTemplate, counts: tuple[int, int]
    ) -> Comparison:
        """Return what is to be said of two faces.

        Parameters
        ----------
        template_a, template_b : the faces
        counts : how many faces each picture showed

        Raises
        ------
        InputError
            The templates come from different models.
        """
        found = compare_templates(template_a, template_b, self.scenario, counts, self.estimator)
        return replace(found, calibration=self.calibration)


@dataclass(frozen=True, slots=True, eq=False)
class Policies:
    """Scenarios and what makes P(same) in them, read together and exchanged together.

    Attributes
    ----------
    scenarios : thresholds by name
    same_model : makes P(same) where no calibration is chosen; None: the model has none
    calibrations : all that scenarios name, by name
    facts : what is known of the model's P(same) and of each calibration
    loaded_at : when they were read, UTC
    """

    scenarios: Mapping[str, Scenario]
    same_model: SameModel | None = None
    calibrations: Mapping[str, SameEstimator] = field(default_factory=lambda: MappingProxyType({}))
    facts: tuple[CalibrationFacts, ...] = ()
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def scenario(self, name: str) -> Scenario:
        """Return a scenario; UnknownScenarioError: none has this name."""
        try:
            return self.scenarios[name]
        except KeyError:
            raise UnknownScenarioError(
                "scenario.unknown",
                "there is no scenario {name}; known: {known}",
                name=repr(name[:64]),
                known=", ".join(self.scenarios),
            ) from None

    def offered(self, scenario: Scenario) -> tuple[str, ...]:
        """Return the names that may be chosen in a scenario, in the order it lists them."""
        return tuple(
            name
            for name in scenario.calibrations
            if name != MODEL_CALIBRATION or self.same_model is not None
        )

    def applied(
        self, scenario: str, calibration: str | None = None, of_gallery: str | None = None
    ) -> AppliedPolicy:
        """Return what applies: the request's choice, else the gallery's, else the scenario's.

        Parameters
        ----------
        scenario : its name
        calibration : as the request names it; None: it names none
        of_gallery : as the gallery names it; None: it names none

        Raises
        ------
        UnknownScenarioError
            No scenario has this name.
        InputError
            The scenario does not offer the calibration; lists what it offers.
        """
        found = self.scenario(scenario)
        offered = self.offered(found)
        if calibration is not None and calibration not in offered:
            raise InputError(
                "calibration.not_offered",
                "the scenario {scenario} offers no calibration {name}; it offers: {known}",
                scenario=scenario,
                name=repr(calibration[:64]),
                known=", ".join(offered),
            )
        if calibration is None and of_gallery is not None and of_gallery not in offered:
            raise InputError(
                "calibration.of_gallery",
                "the gallery asks for the calibration {name}, which the scenario {scenario} does "
                "not offer; it offers: {known}; name one of these in the request",
                scenario=scenario,
                name=repr(of_gallery),
                known=", ".join(offered),
            )
        chosen = of_gallery if calibration is None else calibration
        name = found.calibrations[0] if chosen is None else chosen
        estimator = same_estimator(name, self.same_model, self.calibrations)
        return AppliedPolicy(found, None if estimator is None else name, estimator)


class PolicySource(Protocol):
    """The files that policies are read from."""

    def read(self, added: Scenario | None = None) -> Policies:
        """Read all of them.

        Parameters
        ----------
        added : a scenario more, as if it stood in the files already

        Raises
        ------
        ConfigError
            A scenario file is missing or wrong.
        ArtifactError
            A calibration or P(same) is missing, was edited by hand, or is of another model.
        """
        ...

    def save(self, scenario: Scenario) -> Path:
        """Add a scenario to the file that scenarios are saved in, and return its path.

        Raises
        ------
        ConfigError
            The file has a scenario of this name or is wrong, or the scenario is.
        StorageError
            It can't be written; it is as it was.
        """
        ...

    def note(self, policies: Policies) -> None:
        """Keep what is in force, so that another process can tell what a reload would change.

        Raises
        ------
        StorageError
            It can't be written.
        """
        ...


class PolicyService:
    """Shows, reloads and adds to the policies of a running service; safe to call from threads.

    Reloads and additions are noted in the audit log, also those that were refused.

    Parameters
    ----------
    faces : uses them
    source : where they come from
    audit : notes who did what
    """

    def __init__(self, faces: FaceService, source: PolicySource, audit: AuditLog) -> None:
        self._faces = faces
        self._source = source
        self._audit = audit
        self._turn = threading.Lock()

    def note(self) -> None:
        """Keep what is in force where other processes see it; a log line where that fails."""
        try:
            self._source.note(self._faces.policies)
        except BackendError as exc:
            _logger.warning("what policies are in force is not noted: %s", exc)

    def current(self) -> Policies:
        """Return what is in force."""
        return self._faces.policies

    def reload(self, caller: Caller = LOCAL) -> Policies:
        """Read all files again and use what they say; requests under way are not touched.

        Raises
        ------
        ConfigError, ArtifactError
            Something is wrong, see :class:`PolicySource`; nothing has changed.
        """
        with self._turn, noted(self._audit, caller, AuditAction.RELOAD_POLICIES, "") as note:
            found = self._source.read()
            self._faces.use(found)
            self.note()
            note.outcome = "reloaded"
            note.values |= {
                "scenarios": len(found.scenarios),
                "calibrations": len(found.calibrations),
            }
        return found

    def save_scenario(self, scenario: Scenario, caller: Caller = LOCAL) -> Path:
        """Add a scenario to the file that scenarios are saved in; a reload puts it in force.

        Nothing is written unless a reload would succeed with it.

        Returns
        -------
        the file it was added to

        Raises
        ------
        ConfigError, ArtifactError
            There is such a scenario, it is wrong, or a calibration that it names is missing.
        StorageError
            The file can't be written; it is as it was.
        """
        with self._turn, noted(self._audit, caller, AuditAction.SAVE_SCENARIO, "") as note:
            note.values["scenario"] = scenario.name
            self._faces.check(self._source.read(scenario))
            path = self._source.save(scenario)
            note.outcome = "saved"
        return path
