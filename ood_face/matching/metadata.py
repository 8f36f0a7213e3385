"""What a subject's profile looks like when it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ood_face.errors import InputError

if TYPE_CHECKING:
    from ood_face.types import Profile

__all__ = ["metadata_json"]


def metadata_json(profile: Profile) -> str:
    """Return a subject's metadata as JSON, in ASCII.

    Raises
    ------
    InputError
        They are no JSON object, or the name is no text that can be written.
    """
    try:
        if profile.name is not None:
            profile.name.encode()
        return json.dumps(dict(profile.metadata), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as exc:
        raise InputError(
            "subject.profile",
            "a subject's name is a text, its metadata a JSON object; these are not: {problem}",
            problem=str(exc),
        ) from exc
