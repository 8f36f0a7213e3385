"""``/v1/drift``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from ood_face.api.answers import language_of
from ood_face.api.callers import ReadCaller
from ood_face.api.drift_schemas import DriftResponse, LabelledOut, SignalOut, VerdictsOut
from ood_face.api.openapi import problems
from ood_face.messages import translate

if TYPE_CHECKING:
    from ood_face.monitoring.drift_job import DriftJob

__all__ = ["make_drift_router"]


def make_drift_router(drift: DriftJob) -> APIRouter:
    """Return the endpoint that says how the drift watch stands."""
    router = APIRouter(tags=["monitoring"], responses=problems(401, 403, 422, 429, 500))

    @router.get("/v1/drift")
    def status(_caller: ReadCaller, request: Request) -> DriftResponse:
        """Compare the window of scores, similarities and labels with the reference."""
        found, language = drift.status(), language_of(request)
        return DriftResponse(
            model_id=found.model_id,
            at=found.at,
            drifted=list(found.drifted),
            signals=[
                SignalOut(
                    **asdict(signal),
                    state_name=translate(f"drift.state_{signal.state.value}", {}, language),
                )
                for signal in found.signals
            ],
            calibration=LabelledOut(
                **asdict(found.calibration),
                state_name=translate(f"drift.state_{found.calibration.state.value}", {}, language),
            ),
            verdicts=dict(found.verdicts),
            reference_verdicts=dict(found.reference_verdicts),
            verdict_count=found.verdict_count,
            verdict_drift=VerdictsOut(
                **asdict(found.verdict_drift),
                state_name=translate(
                    f"drift.state_{found.verdict_drift.state.value}", {}, language
                ),
            ),
            dropped=found.dropped,
        )

    return router
