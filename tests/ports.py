"""Ports for servers of tests."""

import os
import random
import socket
from itertools import cycle

import pytest

# Each of pytest-xdist's processes has a thousand ports of its own and gives each away once in a
# thousand, so that no two servers are told the same. They lie below those that systems take for
# outgoing connections, and their order is random for the sake of test runs beside this one.
_FIRST = 10_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = cycle(random.sample(range(_FIRST, _FIRST + 1_000), 1_000))


def free_port() -> int:
    """Return a port that nothing listens on."""
    return next(port for port in _ports if not listens(port))


def _has_ipv6() -> bool:
    """Whether a server can have the address ::1, which most containers lack."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something takes connections on a port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
