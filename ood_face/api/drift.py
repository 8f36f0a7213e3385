"""``/v1/drift``, and the drift watch's gauges."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from ood_face.api.answers import language_of
from ood_face.api.callers import ReadCaller
from ood_face.api.drift_schemas import DriftResponse, LabelledOut, SignalOut, VerdictsOut
from ood_face.api.metrics import Family, Sample
from ood_face.api.openapi import problems
from ood_face.messages import translate
from ood_face.monitoring.drift_status import CALIBRATION, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ood_face.monitoring.drift_job import DriftJob
    from ood_face.monitoring.drift_status import DriftStatus

__all__ = ["drift_families", "make_drift_router"]


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


def drift_families(drift: DriftJob) -> list[Family]:
    """Return the gauges; what is not known yet has no number."""
    found = drift.status()
    error = found.calibration.expected_calibration_error
    return [
        *_of_signals(found),
        Family(
            "ood_face_drift_expected_calibration_error",
            "Expected calibration error of P(same) on labelled items.",
            [] if error is None else [Sample(error, {})],
        ),
        Family(
            "ood_face_drift_labelled_items",
            "Labelled items in the window.",
            [Sample(float(found.calibration.items), {})],
        ),
        _gauge(
            "verdict_share",
            "Share of each verdict in the window.",
            {verdict.value: share for verdict, share in found.verdicts.items()},
            "verdict",
        ),
        Family(
            "ood_face_drift_dropped_total",
            "Verdicts that came too fast to be watched.",
            [Sample(float(found.dropped), {})],
            "counter",
        ),
    ]


def _gauge(name: str, about: str, values: Mapping[str, float | None], label: str) -> Family:
    samples = [Sample(value, {label: key}) for key, value in values.items() if value is not None]
    return Family(f"ood_face_drift_{name}", about, samples)


def _of_signals(found: DriftStatus) -> list[Family]:
    states = {signal.name: signal.name in found.drifted for signal in found.signals}
    states |= {name: name in found.drifted for name in (CALIBRATION, VERDICTS)}
    verdicts = found.verdict_drift
    return [
        _gauge(
            "psi",
            "Population stability index of the window against the reference.",
            {signal.name: signal.psi for signal in found.signals} | {VERDICTS: verdicts.psi},
            "signal",
        ),
        _gauge(
            "ks",
            "Two-sample Kolmogorov-Smirnov distance of the window from the reference.",
            {signal.name: signal.ks for signal in found.signals},
            "signal",
        ),
        _gauge(
            "long_psi",
            "Population stability index of the long window against the reference.",
            {signal.name: signal.long_psi for signal in found.signals}
            | {VERDICTS: verdicts.long_psi},
            "signal",
        ),
        _gauge(
            "long_ks",
            "Two-sample Kolmogorov-Smirnov distance of the long window from the reference.",
            {signal.name: signal.long_ks for signal in found.signals},
            "signal",
        ),
        _gauge(
            "reference_items",
            "Numbers in the reference, as far as it is there.",
            {signal.name: float(signal.reference_count) for signal in found.signals}
            | {VERDICTS: float(verdicts.reference_count)},
            "signal",
        ),
        _gauge("drifted", "1: it has drifted.", {k: float(v) for k, v in states.items()}, "signal"),
    ]
