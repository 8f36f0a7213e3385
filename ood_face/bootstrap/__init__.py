"""From ``Settings`` to a ``FaceService``: the only place that chooses adapters."""

from __future__ import annotations

from ood_face.bootstrap.card import ModelCard, TestedPairs, read_model_card
from ood_face.bootstrap.drift import open_drift, read_drift
from ood_face.bootstrap.in_force import PolicyCheck
from ood_face.bootstrap.models import open_rts_embedder, open_service
from ood_face.bootstrap.policies import check_policies, open_policies
from ood_face.bootstrap.reading import (
    ModelFolders,
    check_new_scenario,
    model_folders,
    open_scenario,
    open_scenarios,
    read_settings,
    save_scenario,
)
from ood_face.bootstrap.stores import (
    copy_gallery,
    create_backup,
    open_audit,
    open_galleries,
    open_gallery_records,
    open_gallery_store,
    open_review,
    restore_backup,
)

__all__ = [
    "ModelCard",
    "ModelFolders",
    "PolicyCheck",
    "TestedPairs",
    "check_new_scenario",
    "check_policies",
    "copy_gallery",
    "create_backup",
    "model_folders",
    "open_audit",
    "open_drift",
    "open_galleries",
    "open_gallery_records",
    "open_gallery_store",
    "open_policies",
    "open_review",
    "open_rts_embedder",
    "open_scenario",
    "open_scenarios",
    "open_service",
    "read_drift",
    "read_model_card",
    "read_settings",
    "restore_backup",
    "save_scenario",
]
