"""``/v1/policies``: scenarios and calibrations in force, and reading them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends

from ood_face.api.answers import scenario_of
from ood_face.api.auth import require
from ood_face.api.callers import AdminCaller
from ood_face.api.errors import PoliciesRefusedError
from ood_face.api.openapi import problems
from ood_face.api.policy_schemas import CalibrationOut, PoliciesResponse
from ood_face.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from ood_face.service import Policies, PolicyService

__all__ = ["make_policies_router"]

POLICIES = "/v1/policies"
_REFUSED = "A file is missing or wrong, or of another model; nothing has changed."


def make_policies_router(policies: PolicyService) -> APIRouter:
    """Return the endpoints of policies."""
    router = APIRouter(tags=["policies"], responses=problems(401, 403, 422, 429, 500))

    refused = problems(409, 503)
    refused[409]["description"] = _REFUSED

    # any key will do: who compares may know by what
    @router.get(POLICIES, dependencies=[Depends(require(None))])
    def show() -> PoliciesResponse:
        """Return the scenarios and calibrations in force, and since when."""
        return _out(policies.current())

    @router.post(f"{POLICIES}:reload", responses=refused)
    def reload(caller: AdminCaller) -> PoliciesResponse:
        """Read scenario files, calibrations and P(same) again, and use what they say.

        Requests under way end as they began. If a file is missing or wrong, or of another model,
        the answer is 409 and says which and why, and nothing has changed.
        """
        try:
            return _out(policies.reload(caller))
        except (ArtifactError, ConfigError) as exc:
            raise PoliciesRefusedError.by(exc) from exc

    return router


def _out(policies: Policies) -> PoliciesResponse:
    return PoliciesResponse(
        loaded_at=policies.loaded_at,
        scenarios=[scenario_of(one) for one in policies.scenarios.values()],
        calibrations=[
            CalibrationOut(
                name=facts.name,
                method=facts.method,
                model_id=facts.model_id,
                made=facts.made,
                error_before=facts.error_before,
                error_after=facts.error_after,
                counts=dict(facts.counts),
                data_fingerprint=facts.data_fingerprint,
                file_sha256=facts.file_sha256,
            )
            for facts in policies.facts
        ],
    )
