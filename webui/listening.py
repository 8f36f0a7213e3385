"""The address the server listens on, and what to do where it cannot."""

from __future__ import annotations

import errno
import socket

__all__ = ["bound", "start_listening", "why_not"]

# as many as may wait to be accepted; the kernel has a limit of its own
_BACKLOG = 2048
_LOWEST_UNPRIVILEGED = 1024
_ADVICE = {
    errno.EADDRINUSE: "stop the program that listens there, or set OOD_FACE_PORT to another port",
    errno.EACCES: f"set OOD_FACE_PORT to {_LOWEST_UNPRIVILEGED} or more",
}
_ADVICE_HOST = "set OOD_FACE_HOST to an address of this machine"


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the address and does not listen yet; OSError: it cannot be had.

    So a taken port is told before the models are loaded; until they are, connections are refused.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def start_listening(listener: socket.socket) -> None:
    """Take connections; OSError: another program was faster, as two may have an address."""
    listener.listen(_BACKLOG)


def why_not(host: str, port: int, error: OSError) -> str:
    """Return a sentence: where the server cannot listen, why, and what to do."""
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    number = -1 if error.errno is None or isinstance(error, socket.gaierror) else error.errno
    return f"cannot listen on {at}: {error.strerror}; {_ADVICE.get(number, _ADVICE_HOST)}"
