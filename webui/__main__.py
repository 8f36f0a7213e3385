"""``python -m webui``: the page and the API on the port of the settings.

With ``--supervised`` (supervisord.conf) the server ends when its parent dies.
"""

from __future__ import annotations

import gc
import signal
import sys

EXIT_CONFIG = 2  # as the server's, which takes seconds to import


def main(arguments: list[str]) -> int:
    """Serve with the settings of the environment; return the exit code of ``serve``."""
    # it means: read the policies again; while there is none to read again, it means nothing
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if arguments == ["--supervised"]:
        from ood_face.supervision.parent import end_with_parent  # noqa: PLC0415

        if not end_with_parent():
            return 0
    elif arguments:
        sys.stderr.write(f"ood_face: unknown argument {arguments[0]}; there is --supervised\n")
        return 2
    # threads are started as soon as the rest is imported
    from ood_face.allocator import keep_freed_memory  # noqa: PLC0415

    keep_freed_memory()
    # nearly all that the imports make stays; the server enables it again
    gc.disable()
    # seconds, in which the signal may come
    from pydantic import ValidationError  # noqa: PLC0415

    from ood_face.config import Settings  # noqa: PLC0415
    from ood_face.logs import log_uncaught  # noqa: PLC0415
    from webui.places import keep_in  # noqa: PLC0415

    try:
        settings = Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        sys.stderr.write(f"ood_face: OOD_FACE_{name}: {first['msg']}\n")
        return EXIT_CONFIG
    log_uncaught()
    # before what the server imports reads where to write
    keep_in(settings.data_dir)
    from webui.server import serve  # noqa: PLC0415

    return serve(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
