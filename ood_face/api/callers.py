"""Who calls, as endpoints of galleries ask for it: one name for each role."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from ood_face.api.auth import require
from ood_face.types import Caller, Role

__all__ = ["AdminCaller", "EnrollCaller", "IdentifyCaller", "ReadCaller", "may_enroll"]

# one function: asked for twice by a request, it is called once
may_enroll = require(Role.ENROLL)

ReadCaller = Annotated[Caller, Depends(require(Role.READ))]
IdentifyCaller = Annotated[Caller, Depends(require(Role.IDENTIFY))]
EnrollCaller = Annotated[Caller, Depends(may_enroll)]
AdminCaller = Annotated[Caller, Depends(require(Role.ADMIN))]
