"""The addresses in the settings: a host to listen on, a Redis, the origins of web pages."""

import os
import re
import socket
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, parse_qs, urlsplit

ORIGIN = re.compile(r"\*|https?://(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?", re.ASCII)

REDIS_FORMS = (
    "redis://host:port/db, rediss://host:port/db with TLS, or unix:///path/to/socket?db=0; "
    "Sentinel and Cluster are not supported"
)
# By scheme, the options of a URL that redis-py takes and that do not contradict the other settings.
PLAIN = {"db", "username", "password"}
TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
TLS_VALUES = {
    "ssl_cert_reqs": ("none", "optional", "required"),
    "ssl_check_hostname": ("true", "false", "True", "False", "yes", "no", "1", "0"),
}
TLS = TLS_FILES | TLS_VALUES.keys()
REDIS_OPTIONS = {"redis": PLAIN, "rediss": PLAIN | TLS, "unix": PLAIN}


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
    """Return an origin as browsers send one, or `*` for all origins; raises `ValueError`.

    Browsers send small letters, no slash at the end, and no port that is the scheme's own.
    """
    sent = origin.lower().removesuffix("/")
    if not ORIGIN.fullmatch(sent):
        raise ValueError(
            f"{origin[:80]!r} is no origin: use https://host, https://host:port, or * for all"
        )
    return sent.removesuffix(":443" if sent.startswith("https:") else ":80")


def checked_redis_url(url: str) -> str:
    """Return the URL of a Redis; raises `ValueError`, whose message shows no password."""
    wrong = ValueError(f"use {REDIS_FORMS}")
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        complete = _has_place(parts) and all(map(_is_number, _databases(parts, options)))
    except ValueError:
        raise wrong from None
    if not complete:
        raise wrong
    known = REDIS_OPTIONS[parts.scheme]
    unknown = sorted(options.keys() - known)
    if unknown:
        listed = ", ".join(sorted(known))
        raise ValueError(f"{unknown[0][:80]!r} is no option of {parts.scheme}://; use {listed}")
    for name, values in options.items():
        _check_option(name, values[0])  # redis-py takes the first of several
    return url


def _check_option(name: str, value: str) -> None:
    """Raise `ValueError` for a value that an option of TLS cannot have."""
    allowed = TLS_VALUES.get(name)
    if allowed and value not in allowed:
        raise ValueError(f"the values of {name} are {', '.join(allowed)}")
    if name in TLS_FILES and not (Path(value).is_file() and os.access(value, os.R_OK)):
        raise ValueError(f"{name} must name a file that exists and can be read")


def _has_place(parts: SplitResult) -> bool:
    """Return whether a URL names a Redis; raises `ValueError` for a port that is none."""
    if parts.scheme == "unix":
        return not parts.netloc.rpartition("@")[2] and PurePosixPath(parts.path).name != ""
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0


def _databases(parts: SplitResult, options: dict[str, list[str]]) -> list[str]:
    """Return the numbers of a database that a URL names, in its path and in its option `db`."""
    path = "" if parts.scheme == "unix" else parts.path.removeprefix("/")
    return [*filter(None, [path]), *options.get("db", [])]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,5}", text, re.ASCII) is not None
