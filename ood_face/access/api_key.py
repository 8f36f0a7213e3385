"""What a key is, and what it may be made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ood_face.errors import InputError
from ood_face.types import Role

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ApiKey", "NewKey", "check_new_key"]

# names of callers that have no key
RESERVED_NAMES = ("local", "open")
MAX_RATE_PER_MINUTE = 1_000_000
MAX_EXPIRES_DAYS = 36_500

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, without its secret, which nobody has but its owner.

    Attributes
    ----------
    id : 16 hexadecimal digits; stands in the key itself
    name : who has it; as in the audit log
    roles : what it may do
    created_at, expires_at, last_used_at, revoked_at : UTC; last use to ten minutes; None: never
    rate_per_minute : its own limit; None: the one of the settings
    """

    id: str
    name: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    rate_per_minute: int | None = None

    def may(self, role: Role | None) -> bool:
        """Return whether it has a role; every key may what needs none."""
        return role is None or role in self.roles or Role.ADMIN in self.roles


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with the text to present: the only time it is known."""

    key: ApiKey
    # not in a log by mistake
    presented: str = field(repr=False)


def check_new_key(
    name: str, roles: frozenset[Role], expires_days: int | None, rate_per_minute: int | None
) -> None:
    """Raise InputError unless a key can be made of this; see ``KeyStore.create``."""
    if _NAME.fullmatch(name) is None or name in RESERVED_NAMES:
        raise InputError(
            "access.name",
            "a key's name has 1 to 63 letters, digits and characters of . _ -, begins with a "
            "letter or digit, and is not one of {reserved}; this is {name}",
            reserved=", ".join(RESERVED_NAMES),
            name=ascii(name[:64]),
        )
    if not roles:
        raise InputError(
            "access.no_role", "a key needs at least one role of {roles}", roles=", ".join(Role)
        )
    if expires_days is not None and not 1 <= expires_days <= MAX_EXPIRES_DAYS:
        raise InputError(
            "access.expires_days",
            "a key expires after 1 to {limit} days, not {got}",
            limit=MAX_EXPIRES_DAYS,
            got=expires_days,
        )
    if rate_per_minute is not None and not 1 <= rate_per_minute <= MAX_RATE_PER_MINUTE:
        raise InputError(
            "access.rate",
            "a key makes 1 to {limit} requests a minute, not {got}",
            limit=MAX_RATE_PER_MINUTE,
            got=rate_per_minute,
        )
