"""Which addresses lie within this machine."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

__all__ = ["is_loopback_name", "listens_beyond", "network_of"]

# the smallest network that one customer of a provider has to himself
_IPV6_BITS = 64


def listens_beyond(host: str) -> bool:
    """Return whether a server that listens on this host can be reached from other machines.

    A name counts as within this machine only if all its addresses do; one that cannot be
    resolved does not.
    """
    if not host:
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True
    return not all(_is_loopback(str(address[0])) for *_, address in found)


# clients say the same few names with every request
@lru_cache(maxsize=256)
def is_loopback_name(host_header: str) -> bool:
    """Return whether a ``Host`` header names this machine by a name no one else can own.

    Parameters
    ----------
    host_header : with or without a port, as in ``localhost:7860`` or ``[::1]:7860``
    """
    if host_header.startswith("["):
        name, _, rest = host_header[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        name, _, port = host_header.partition(":")
    if port and not port.isdecimal():
        return False
    return name.lower() in ("localhost", "localhost.") or _is_loopback(name)


@lru_cache(maxsize=256)
def network_of(address: str) -> str:
    """Return what stands for everybody who can choose this address: itself; of IPv6, its network.

    Parameters
    ----------
    address : of a client; what is none is returned as it is
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_BITS), strict=False))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (parsed if mapped is None else mapped).is_loopback
