"""The addresses by which clients are told apart, since one client may have many."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

# Some proxies add the client's port, which differs with each connection, to X-Forwarded-For.
WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([\d.]+):\d+", re.ASCII)
INTERFACE_BITS = 64  # of an IPv6 address, which a client chooses freely (RFC 4291, section 2.5.1)


@lru_cache(maxsize=10_000)
def client_of(address: str) -> str:
    """Return the client of an address: the address without a port, or a public IPv6 network of 64 bits.

    An IPv4 address within IPv6, as a socket for both has it, is that IPv4 address. Anything else than
    an address stays as it is.
    """
    found = WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address(found[1] or found[2] if found else address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if not parsed.is_global:  # within a private network all clients may have the same 64 bits
        return str(parsed)
    network = IPv6Address(int(parsed) >> INTERFACE_BITS << INTERFACE_BITS)
    return f"{network}/{INTERFACE_BITS}"


def client_behind(request: Any, peer: str, proxies: int) -> str:
    """Return the client of a request, whose address `ProxyFix` finds behind some trusted proxies."""
    if not proxies:
        return peer
    named = [value for name, value in request.headers if name == "X-FORWARDED-FOR"]
    addresses = [each.strip() for each in ",".join(named).split(",")]
    found = addresses[-proxies] if len(addresses) >= proxies else ""
    return client_of(found) if found else peer
