"""The addresses in the settings: a host to listen on, a Redis, the origins of web pages."""

import re
import socket
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qs, urlsplit

ORIGIN = re.compile(r"\*|https?://(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?", re.ASCII)

REDIS_FORMS = (
    "redis://host:port/db, rediss://host:port/db with TLS, or unix:///path/to/socket?db=0; "
    "Sentinel and Cluster are not supported"
)
# The options of a URL that redis-py takes and that do not contradict the other settings.
REDIS_OPTIONS = {
    *("db", "username", "password"),
    *("ssl_ca_certs", "ssl_certfile", "ssl_cert_reqs", "ssl_check_hostname", "ssl_keyfile"),
}


def checked_host(host: str) -> str:
    """Return a host, an IPv6 address without brackets, on which this machine can listen.

    Raises:
        ValueError: the host is unknown, or not an address of this machine.
    """
    bare = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(bare, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.bind(address)
    except (OSError, UnicodeError):
        raise ValueError(
            "use an address of this machine: 127.0.0.1 or ::1 for this machine alone, "
            "0.0.0.0 or :: for every network"
        ) from None
    return bare


def checked_origin(origin: str) -> str:
    """Return an origin as browsers send one, or `*`; raises `ValueError`."""
    if not ORIGIN.fullmatch(origin):
        raise ValueError(f"{origin[:80]!r} is no origin: use https://host or https://host:port")
    return origin


def checked_redis_url(url: str) -> str:
    """Return the URL of a Redis; raises `ValueError`, whose message shows no password."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number up to 65,535
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        complete = _has_place(parts) and all(_is_number(db) for db in _databases(parts, options))
    except ValueError:
        complete, options = False, {}
    if not complete:
        raise ValueError(f"use {REDIS_FORMS}")
    unknown = sorted(options.keys() - REDIS_OPTIONS)
    if unknown:
        known = ", ".join(sorted(REDIS_OPTIONS))
        raise ValueError(f"{unknown[0][:80]!r} is no option of the URL: the options are {known}")
    return url


def _has_place(parts: SplitResult) -> bool:
    if parts.scheme == "unix":
        return not parts.netloc.rpartition("@")[2] and PurePosixPath(parts.path).name != ""
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname)


def _databases(parts: SplitResult, options: dict[str, list[str]]) -> list[str]:
    """Return the numbers of a database that a URL names, in its path and in its option `db`."""
    path = "" if parts.scheme == "unix" else parts.path.removeprefix("/")
    return [*filter(None, [path]), *options.get("db", [])]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,5}", text, re.ASCII) is not None
