"""``python -m webui``: the page and the API on the port of the settings."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from ood_face.config import Settings
from webui.server import EXIT_CONFIG, serve


def main() -> int:
    """Serve with the settings of the environment; return the exit code of ``serve``."""
    try:
        settings = Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        sys.stderr.write(f"ood_face: OOD_FACE_{name}: {first['msg']}\n")
        return EXIT_CONFIG
    return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
