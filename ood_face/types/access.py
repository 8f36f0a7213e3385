"""Who calls, what they may do, and what is noted of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOCAL", "AuditAction", "AuditEvent", "Caller", "Role"]


class Role(StrEnum):
    """What a key may do; a key may have several, and ``admin`` includes all."""

    READ = "read"
    IDENTIFY = "identify"
    ENROLL = "enroll"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes
    ----------
    name : of the key; ``local``: the command line or Python; ``open``: no key was needed
    request_id : as in the log and in the answer; empty: not a request
    """

    name: str
    request_id: str = ""


LOCAL = Caller("local")


class AuditAction(StrEnum):
    """What the audit log notes."""

    ENROLL = "enroll"
    UPDATE = "update"
    DELETE = "delete"
    IDENTIFY = "identify"
    VERIFY = "verify"
    READ_CROP = "read_crop"
    CREATE_GALLERY = "create_gallery"
    UPDATE_GALLERY = "update_gallery"
    DELETE_GALLERY = "delete_gallery"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    LABEL_REVIEW = "label_review"
    DELETE_REVIEW = "delete_review"
    EXPORT_REVIEW = "export_review"
    RELOAD_POLICIES = "reload_policies"
    SAVE_SCENARIO = "save_scenario"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that was done; never a picture, a feature or a name.

    Attributes
    ----------
    action : what was done
    gallery : in which gallery; empty: in none
    subject_id : to whom; the log keeps a keyed hash of it; None: to nobody in particular
    outcome : verdict, status, or the key of the error that refused it
    values : numbers that explain the outcome, such as a similarity
    """

    action: AuditAction
    gallery: str
    subject_id: str | None
    outcome: str
    values: Mapping[str, float | int | str] = field(default_factory=dict)
