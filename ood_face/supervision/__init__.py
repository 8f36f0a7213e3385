"""What stands beside the server under supervisord: event listeners, and the tie to its parent.

Each listener is a program: ``python -m ood_face.supervision.readiness`` restarts a server that
does not answer, ``.memory`` one that has grown too large, ``.housekeeping`` rotates the log by day
and keeps the control socket reachable.
"""

from __future__ import annotations

__all__: list[str] = []
