"""Whether supervisord keeps the server, and how its programs stand."""

from __future__ import annotations

import socket
from configparser import ConfigParser
from configparser import Error as ConfigurationError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ood_face.bootstrap.doctor.findings import ok, problem, warning
from ood_face.config import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ood_face.bootstrap.doctor.findings import Finding

__all__ = ["CONFIGURATION", "check_supervisor", "socket_path"]

CONFIGURATION = PROJECT_ROOT / "deploy" / "supervisord.conf"
# of sockaddr_un on Linux, without the zero at its end
_LONGEST_PATH = 107
_ANSWER_S = 2.0
_SOUND = {"RUNNING", "STARTING"}


def check_supervisor(configuration: Path = CONFIGURATION) -> Iterator[Finding]:
    """Ask the supervisord of a configuration file about its programs.

    Parameters
    ----------
    configuration : where there is none, nobody supervises this server
    """
    path = socket_path(configuration)
    if path is None:
        yield ok("supervisor", "supervisor_none", file=str(configuration))
        return
    values = {"socket": str(path)}
    if len(str(path).encode()) > _LONGEST_PATH:
        yield problem("supervisor", "supervisor_long_path", longest=_LONGEST_PATH, **values)
        return
    if not path.exists():
        yield ok("supervisor", "supervisor_down", **values)
        return
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ANSWER_S)
            probe.connect(str(path))
    except PermissionError:
        yield warning("supervisor", "supervisor_forbidden", **values)
        return
    except OSError:
        yield warning("supervisor", "supervisor_stale", **values)
        return
    programs = _programs(path)
    if programs is None:
        yield problem("supervisor", "supervisor_silent", **values)
        return
    bad = {name: state for name, state in programs.items() if state not in _SOUND}
    for name, state in bad.items():
        found = warning if state == "STOPPED" else problem
        yield found("supervisor", "supervisor_program", program=name, program_state=state)
    if not bad:
        yield ok("supervisor", "supervisor_sound", programs=", ".join(sorted(programs)))


def socket_path(configuration: Path) -> Path | None:
    """Return where the supervisord of a configuration file listens; None: there is no such file."""
    parser = ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",), strict=False)
    try:
        with configuration.open(encoding="utf-8") as stream:
            parser.read_file(stream)
        text = parser["unix_http_server"]["file"]
    except (OSError, ConfigurationError, KeyError, UnicodeDecodeError):
        return None
    place = Path(text.replace("%(here)s", str(configuration.parent)))
    return Path(*_straight(place.absolute().parts))


def _straight(parts: tuple[str, ...]) -> list[str]:
    # without following links: supervisord joins the texts as they are
    kept: list[str] = []
    for part in parts:
        if part == "..":
            kept.pop()
        else:
            kept.append(part)
    return kept


def _programs(path: Path) -> dict[str, str] | None:
    from supervisor.compat import xmlrpclib  # noqa: PLC0415
    from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415

    transport = SupervisorTransport(None, None, serverurl=f"unix://{path}")
    server = xmlrpclib.ServerProxy("http://127.0.0.1", transport=transport)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_ANSWER_S)  # the transport knows none of its own
    try:
        answered: Any = server.supervisor.getAllProcessInfo()
    except (OSError, xmlrpclib.Error, ValueError):
        return None
    finally:
        socket.setdefaulttimeout(before)
        transport.close()
    return {str(one["name"]): str(one["statename"]) for one in answered}
