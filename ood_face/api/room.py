"""Whether there is room for one more request, asked before its body is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends

if TYPE_CHECKING:
    from ood_face.service import TimedAdmission

__all__ = ["needs_room"]


def needs_room(places: TimedAdmission) -> list[Any]:
    """Return the ``dependencies`` of an endpoint that works on pictures.

    Where nobody may wait any more, a request is refused here, and neither its body is read nor a
    thread taken; otherwise :meth:`TimedAdmission.reserved` decides.

    Parameters
    ----------
    places : who is at work and who waits
    """

    # on the event loop: it waits for nothing
    async def room() -> None:
        places.check_room()

    return [Depends(room)]
