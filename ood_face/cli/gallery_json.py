"""Galleries, subjects and what was found, as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ood_face.cli.render import face_json
from ood_face.cli.render_explanations import explanation_json, reasons_json
from ood_face.messages import identity_name, verdict_name

if TYPE_CHECKING:
    from datetime import datetime

    from ood_face.messages import Language
    from ood_face.types import GalleryCounts, GalleryInfo, Identification, Subject, Verification

__all__ = [
    "gallery_json",
    "identification_json",
    "iso_time",
    "subject_json",
    "verification_json",
]


def gallery_json(info: GalleryInfo, counts: GalleryCounts) -> dict[str, Any]:
    """Return a gallery as JSON values."""
    return {
        "name": info.name,
        "model_id": info.model_id,
        "scenario": info.scenario,
        "calibration": info.calibration,
        "max_templates": info.max_templates,
        "keep_crops": info.keep_crops,
        "subjects": counts.subjects,
        "templates": counts.templates,
        "created_at": iso_time(info.created_at),
        "version": info.version,
    }


def subject_json(subject: Subject) -> dict[str, Any]:
    """Return a subject as JSON values."""
    return {
        "subject_id": subject.subject_id,
        "name": subject.profile.name,
        "metadata": dict(subject.profile.metadata),
        "templates": [
            {
                "template_id": template.template_id,
                "ood_score": template.ood_score,
                "model_id": template.model_id,
                "source_hash": template.source_hash,
                "has_crop": template.has_crop,
                "created_at": iso_time(template.created_at),
            }
            for template in subject.templates
        ],
        "created_at": iso_time(subject.created_at),
        "version": subject.version,
    }


def identification_json(found: Identification, language: Language) -> dict[str, Any]:
    """Return the outcome of a search as JSON values."""
    return {
        "gallery": found.gallery,
        "model_id": found.probe.model_id,
        "verdict": found.verdict,
        "verdict_name": identity_name(found.verdict, language),
        "reasons": reasons_json(found.reasons, language),
        "explanation": explanation_json(found.explanation, language),
        "candidates": [asdict(candidate) for candidate in found.candidates],
        "margin": found.margin,
        "scenario": asdict(found.scenario),
        "calibration": found.calibration,
        "probe": face_json(found.probe, with_feature=False),
    }


def verification_json(found: Verification, language: Language) -> dict[str, Any]:
    """Return the outcome of a verification as JSON values."""
    return {
        "gallery": found.gallery,
        "model_id": found.probe.model_id,
        "verdict": found.verdict,
        "verdict_name": verdict_name(found.verdict, language),
        "reasons": reasons_json(found.reasons, language),
        "explanation": explanation_json(found.explanation, language),
        "candidate": asdict(found.candidate),
        "scenario": asdict(found.scenario),
        "calibration": found.calibration,
        "probe": face_json(found.probe, with_feature=False),
    }


def iso_time(moment: datetime) -> str:
    """Return a UTC time to the second, as in ``2026-11-22T09:30:00Z``."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
